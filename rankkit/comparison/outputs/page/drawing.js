// Drawing plots, by Plotly, on whatever the page is shown: wide, narrow, dark or on paper.

const byId = (id) => document.getElementById(id);
const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const print = window.matchMedia("print");
const onPaper = () => "print" in document.documentElement.dataset;
const PAPER_WIDTH = 640;

const drawn = new Map(); // plot id -> how to draw it again

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function layoutFor(host, height, extra) {
  const axis = {
    gridcolor: colour("line"), linecolor: colour("line"), zerolinecolor: colour("soft"), tickcolor: colour("line"),
    automargin: true, fixedrange: true,
  };
  return {
    height,
    width: onPaper() ? PAPER_WIDTH : Math.max(200, host.clientWidth),
    margin: { l: 56, r: 16, t: 16, b: 44 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "system-ui, sans-serif", size: 13, color: colour("ink") },
    hoverlabel: { bgcolor: colour("panel"), bordercolor: colour("line"), font: { color: colour("ink") }, align: "left" },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("line"), activecolor: colour("soft") },
    showlegend: false,
    dragmode: false,
    ...extra,
    xaxis: { ...axis, ...extra.xaxis },
    yaxis: { ...axis, ...extra.yaxis },
  };
}

const CONFIG = {
  displaylogo: false, scrollZoom: false, doubleClick: false,
  modeBarButtons: [["toImage"]], toImageButtonOptions: { format: "svg" },
};

const LEGEND = { orientation: "h", yref: "container", y: 1, yanchor: "top", x: 0 };

/** Draw now, and again when the width, the colours or the paper change. */
function plot(id, label, height, make) {
  const host = byId(id);
  drawn.set(id, () => {
    if (!window.Plotly || !host.isConnected) return;
    const { traces, layout } = make();
    host.setAttribute("role", "figure");
    host.setAttribute("aria-label", label);
    host.style.minHeight = "0"; // it kept the place until now
    Plotly.react(host, traces, layoutFor(host, height, layout), CONFIG);
  });
  drawn.get(id)();
  return host;
}

function redrawAll() {
  for (const draw of drawn.values()) draw();
}

/** Names in a plot are text for Plotly, which reads some HTML: it is taken apart. */
function plain(text, length = 60) {
  const cut = text.length > length ? `${text.slice(0, length - 1)}…` : text;
  return cut.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** On paper colours are light and plots as wide as the page. */
function setPaper(paper) {
  if (paper === onPaper()) return;
  if (paper) document.documentElement.dataset.print = "";
  else delete document.documentElement.dataset.print;
  redrawAll();
}

function listenToSurroundings() {
  let waiting = 0;
  window.addEventListener("resize", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(redrawAll);
  });
  dark.addEventListener("change", redrawAll);
  window.addEventListener("beforeprint", () => setPaper(true));
  window.addEventListener("afterprint", () => setPaper(false));
  print.addEventListener("change", () => setPaper(print.matches));
}

/** Unpack a script that travels compressed, and run it: the page's policy knows it by its hash. */
async function runPacked(id) {
  const packed = Uint8Array.from(atob(byId(id).textContent.trim()), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
  byId(id).remove();
}
