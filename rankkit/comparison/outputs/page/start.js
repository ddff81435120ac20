// What the reader chooses, and what follows from it.

function showView() {
  for (const part of document.querySelectorAll("[data-view]")) part.hidden = Number(part.dataset.view) !== chosen.view;
  for (const part of document.querySelectorAll("[data-robust]")) part.hidden = Number(part.dataset.robust) !== chosen.view && view().data.length === 1;
  const data = new Set(view().data.map((index) => figures.data[index]));
  if (data.size > 1) data.add(figures.together);
  for (const row of document.querySelectorAll("tr[data-measure]")) {
    row.hidden = row.dataset.measure !== measureName() || !data.has(row.dataset.set);
  }
  drawCost();
  showQueries();
  if (Object.keys(figures.robustness).length) drawRobustness();
}

function choose(id, key, after, read = Number) {
  byId(id).addEventListener("change", (event) => {
    chosen[key] = read(event.target.value);
    chosen.page = 0;
    after();
  });
}

function fillControls() {
  fillSelect(byId("measure"), figures.measures.map((name, index) => [index, name]), chosen.measure);
  fillSelect(byId("view"), figures.views.map((one, index) => [index, one.name]), chosen.view);
  fillSelect(byId("system"), systems.map((system) => [system.index, system.name]), chosen.system);
  fillSelect(byId("against"), systems.map((system) => [system.index, system.name]), chosen.against);
  // The cost that is known of most systems comes first.
  const knownOf = (axis) => figures.views[0].costs.filter((cost) => cost && cost[axis]).length;
  const known = Object.keys(COSTS).filter(knownOf);
  chosen.axis = [...known].sort((one, two) => knownOf(two) - knownOf(one))[0] || "seconds";
  fillSelect(byId("cost-axis"), (known.length ? known : ["seconds"]).map((axis) => [axis, COSTS[axis]]), chosen.axis);
  byId("view-label").hidden = figures.views.length < 2;
  byId("robustness-link").hidden = byId("robustness").hidden;
  byId("controls").hidden = false;
  for (const part of document.querySelectorAll("[data-script]")) part.hidden = false;
}

function listenToControls() {
  choose("measure", "measure", showView);
  choose("view", "view", showView);
  choose("system", "system", showQueries);
  choose("against", "against", showQueries);
  choose("order", "order", showQueries, String);
  choose("cost-axis", "axis", drawCost, String);
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  byId("find").addEventListener("input", (event) => {
    chosen.find = event.target.value.trim().toLowerCase();
    chosen.page = 0;
    listed = orderedRows(differences());
    showPage();
  });
  byId("previous-page").addEventListener("click", () => { chosen.page -= 1; showPage(); });
  byId("next-page").addEventListener("click", () => { chosen.page += 1; showPage(); });
}

function listenToDialog() {
  const dialog = byId("query");
  byId("query-close").addEventListener("click", () => dialog.close());
  byId("query-before").addEventListener("click", () => openBeside(-1));
  byId("query-after").addEventListener("click", () => openBeside(1));
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("keydown", (event) => {
    // Inside a list the arrows scroll it.
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest(".scroll, .lists")) return;
    if (event.key === "ArrowLeft") openBeside(-1);
    else if (event.key === "ArrowRight") openBeside(1);
  });
}

function listenToCopy() {
  byId("copy").addEventListener("click", async () => {
    const text = byId("repro-text").textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Where a file may not use the clipboard, the older way: a selection that is copied.
      getSelection().selectAllChildren(byId("repro-text"));
      document.execCommand("copy");
    }
    byId("copied").textContent = "copied";
  });
}

async function start() {
  fillControls();
  listenToControls();
  listenToDialog();
  listenToLists();
  listenToCopy();
  listenToSurroundings();
  showView();
  if (!("DecompressionStream" in window)) {
    byId("no-plots").hidden = false;
    for (const host of document.querySelectorAll(".plot")) host.hidden = true;
    return;
  }
  await runPacked("plotly-packed");
  drawOutcomes();
  showView();
  performance.mark("report-ready");
  document.documentElement.dataset.ready = "";
}

start();
