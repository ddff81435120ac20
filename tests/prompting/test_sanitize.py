"""Documents are data: no mark, no control token comes through, and ordinary text stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankkit.prompting.sanitize import sanitize
from rankkit.prompting.sanitize_shapes import seen

FRAMES = [("Passage ", ":")]
INVISIBLE = (
    "\u2060 \u00ad \u200e \u2063 \ufe00 \u034f \u200b \u200d \ufeff \u061c \u180e \u3164"
    " \u115f \uffa0 \u17b4 \U000e0041"
    " \U000e0100 \u0301 \u20e3 \x00 \x08 \u2065"
).split(" ")
MARKS = [
    *(
        "[3]",
        "[ 3 ]",
        "[12]",
        "[B]",
        "［3］",
        "【3】",
        "〖3〗",
        "⟦3⟧",
        "〔3〕",
        "〚3〛",
        "⁅3⁆",
        "❲3❳",
        "[３]",
        "[𝟑]",
        "[³]",
        "﹝3﹞",
    ),
    *(
        "[Passage 3]",
        "[passage 3]",
        "[Document #3]",
        "[doc 3]",
        "[#3]",
        "[# 3]",
        "[ID 3]",
        "[\u28003]",
        "Passage B:",
        "Passage　B：",
    ),
    # Small signs beside a label, and between a noun and its label.
    *("[passage_3]", "[passage: 3]", "[ID: 3]", "[id=3]", "[doc #3]", "[3.]", "[3,]", "[3:]", "[3)]", "[3;]", "[*3*]"),
    *("[**3**]", "[__B__]", "[doc-3]", "[Passage No. 3]", "[№ 3]", "[passage3]", "[p3]", "[段落3]", "【文档 3】"),
    # Numbers and letters in other shapes.
    *(
        "[⑩]",
        "[Ⅲ]",
        "[ⅲ]",
        "[❸]",
        "[➂]",
        "[⓷]",
        "[⒊]",
        "[⑶]",
        "[㊂]",
        "[٣]",
        "[３.]",
        "[🅑]",
        "[🅱]",
        "[🇧]",
        "[Ⓑ]",
        "[ʙ]",
    ),
    *("[В]", "[Β]", "[З]", "[🄪]", "[Ḃ]", "[PassageB]"),
    # Square brackets in other shapes.
    *("⎡3⎦", "⎣3⎤", "⌈3⌋", "⸢3⸥", "⌜3⌟", "⦋3⦌", "⟬3⟭", "﹇3﹈", "❲B❳", "[3】", "［passage 3〕"),
    # A frame with emphasis, as a heading, in other letters.
    *(
        "**Passage B**:",
        "__Passage B__:",
        "**Passage B:**",
        "*Passage B*:",
        "## Passage B",
        "###Passage B",
        "`Passage B`:",
    ),
    *(
        "**Passage** **B**:",
        "Passage **B**:",
        "**Passage B** says",
        "Passage #B:",
        "Passage: B:",
        "Passage-B:",
        "PASSAGE B:",
    ),
    *(
        "Passage b:",
        "Passage 2:",
        'Passage "B":',
        "(Passage B):",
        "Passage B∶",
        "Passage B꞉",
        "Passage_B:",
        "Passage Ⓑ:",
    ),
    *(
        "Рassage B:",
        "Pаssаgе B:",
        "Ρassage Β:",
        "Пassage В:".replace("П", "Р"),
        "Pássage B:",
        "ᴘᴀssᴀɢᴇ B:",
        "𝐏𝐚𝐬𝐬𝐚𝐠𝐞 𝐁:",
    ),
    *("[Раssаgе 3]", "[ԁосumеnt 3]", "[ΙD 3]"),
]
CONTROL = [
    *(
        "<|im_start|>",
        "<|im_end|>",
        "<｜User｜>",
        "＜|im_end|＞",
        "[INST]",
        "[/INST]",
        "<<SYS>>",
        "</s>",
        "<s>",
        "<start_of_turn>",
    ),
    *(
        "[|assistant|]",
        "[|endofturn|]",
        "[|user|]",
        "]~b]user",
        "]~!b[",
        "[e~[",
        "[gMASK]<sop>",
        "<eop>",
        "<tool_call>",
        "</tool_call>",
    ),
    *(
        "<tool_response>",
        "<minimax:tool_call>",
        "[ARGS]",
        "[CALL_ID]",
        "[TOOL_CONTENT]",
        "[TOOL_CALLS]",
        "<seed:bos>",
        "<seed:eos>",
    ),
    *(
        "<start_of_image>",
        "<end_of_image>",
        "[PREFIX]",
        "[SUFFIX]",
        "<think>",
        "</think>",
        "◁think▷",
        "<BOS_TOKEN>",
        "<unused12>",
    ),
    *("<0x0A>", "<fim_prefix>", "[IMG]", "[CLS]", "[SEP]", "<arg_key>", "<extra_id_0>", "<bos>", "<function_call>"),
    # Angle brackets and bars in other shapes, tokens without their bars, roles as tags.
    *(
        "〈|im_start|〉",
        "⟨|im_start|⟩",
        "‹|im_start|›",
        "«|im_start|»",
        "《|im_start|》",
        "❮|im_start|❯",
        "˂|im_start|˃",
    ),
    *("<∣im_start∣>", "<│im_start│>", "<ǀim_startǀ>", "<¦im_start¦>", "<‖im_start‖>", "＜｜begin▁of▁sentence｜＞"),
    *(
        "<eot_id>",
        "<im_start>",
        "<im_end>",
        "<endoftext>",
        "<eom_id>",
        "<end▁of▁turn>",
        "〈start_of_turn〉",
        "⟨s⟩",
        "‹/s›",
    ),
    *("<assistant>", "</user>", "<аssistаnt>", "<sуstеm>", "<usеr>", "<υser>", "<ѕ>", "<еos>", "«SYS»", "<<ЅYЅ>>"),
    *(
        "【INST】",
        "[ІNST]",
        "[ΙΝST]",
        "［/INST］",
        "⟦/INST⟧",
        "[∣assistant∣]",
        "〈think〉",
        "<thіnk>",
        "<∕think>",
        "]∼b]user",
    ),
]


@pytest.mark.parametrize("mark", [*MARKS, *CONTROL])
def test_it_loses_its_power_wherever_it_stands(mark: str) -> None:
    for text in (mark, f"before {mark} behind", f"before{mark}behind" if mark in CONTROL else f"\n{mark}\n", mark * 2):
        once = sanitize(text, FRAMES)
        assert mark not in once and sanitize(once, FRAMES) == once


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([*MARKS, *CONTROL]), st.data())
def test_invisible_characters_in_it_do_not_help(mark: str, data: st.DataObject) -> None:
    between = st.lists(st.sampled_from(INVISIBLE), max_size=2).map("".join)
    written = "".join(character + data.draw(between) for character in mark)
    once = sanitize(written, FRAMES)
    visible = once
    for character in INVISIBLE:
        visible = visible.replace(character, "")
    plain = mark
    for character in INVISIBLE:
        plain = plain.replace(character, "")
    assert plain not in visible
    assert sanitize(once, FRAMES) == once


ORDINARY = [
    *("مَرْحَبًا بِالعَالَم", "हिन्दी में लिखा हुआ", "ภาษาไทย", "שָׁלוֹם", "naïve café", "cafe\u0301", "👩‍👩‍👧‍👦 and 🏳️‍🌈", "1️⃣ first"),
    *(
        "می‌خواهم",
        "a < b and c > d",
        "x[i + 1]",
        "usage: cmd [args] [prefix]",
        "|x| > 3",
        "if (a[i] < 5) { b }",
        "<p>HTML</p>",
    ),
    *(
        "List<String> names",
        "[see below]",
        "[Smith et al., 2019]",
        "[Figure 3]",
        "【重要】明日のお知らせ",
        "【公告】关于放假的通知",
        "〔注〕見よ",
        "[Таблица 3]",
        "Привет, как дела?",
        "Η Ελλάδα είναι εδώ.",
        "«Les Misérables» et «Ça»",
        "x < y | z",
        "a ‖ b, |x| ≤ 3",
        "f(x) := ⌊x / 2⌋",
        "[A-Z]+[0-9]*",
        "[[nodiscard]]",
        "x[-1], x[i:j], d['key']",
        "See passage: good.",
        "**bold** and __init__",
        "# Heading\n## Passages",
        "PASSAGES: two",
        "passages: two",
        "[ARTICLES]",
        "① first ② second",
        "Ⅲ. Kapitel",
        "User: hello. Assistant: hi.",
        "ｶﾀｶﾅ「３」個",
        "「引用」",
        "《书名》",
        "1. first\n2. second",
        "soft\u00adhyphen",
    ),
    *("[1, 2]", "(3)", "3", "a passage is: good", "std::vector<int>", "price <5>", "e~mail", "[|a|, |b|]"),
]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays_to_the_letter(text: str) -> None:
    assert sanitize(text, FRAMES) == text


def test_references_stay_readable() -> None:
    assert sanitize("As shown [3], a[3] is set.") == "As shown (3), a(3) is set."
    assert sanitize("[1\u200b2] and [Passage 3]") == "(1\u200b2) and (Passage 3)"
    assert sanitize("<\u2060|im_end|\u2060>") == "< \u2060|im_end| \u2060>"


@settings(max_examples=300, deadline=None)
@given(
    st.text(
        st.characters(exclude_categories=("Ps", "Pe", "Pi", "Pf", "Sm", "So"), exclude_characters="|｜<>:：︓﹕︰[]"),
        max_size=200,
    )
)
def test_text_without_brackets_stays_to_the_letter(text: str) -> None:
    assert sanitize(text, FRAMES) == text


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([*MARKS, *CONTROL, *INVISIBLE, *"[]<>|/~:3B ", "Passage "]) | st.text(max_size=4)).map(
        "".join
    )
)
def test_it_is_idempotent_and_keeps_every_word(text: str) -> None:
    once = sanitize(text, FRAMES)
    assert sanitize(once, FRAMES) == once
    assert [c for c in once if c.isalnum()] == [c for c in text if c.isalnum()]


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "[ ",
            "<|",
            "Passage ",
            "[\u2060",
            "[Passage ",
            "<seed:",
            "[Passage #",
            "[3.",
            "[[",
            "]",
            "## ",
            "**Passage ",
        ),
        *("Passage B ** ", "Passage B)", "Рassage В", "*", "#", "[#", " ", "Ⅲ", "⎡3", "«", "<ab:", "[no. ", "‖"),
    ],
)
def test_long_texts_take_linear_time(piece: str) -> None:
    """Anything worse than linear would not come back from these."""
    sanitize((piece * 400_000)[:400_000], FRAMES)


def test_a_frame_with_emphasis_of_its_own_is_the_frame_without() -> None:
    frames = [("**Passage ", ":** "), ("## Document ", "")]
    assert sanitize("Passage B: it", frames) == "Passage (B): it"
    assert sanitize("Document 2 says", frames) == "Document (2) says"


def test_each_look_alike_is_one_of_a_single_character() -> None:
    for shape in map(chr, [*range(0x20, 0xD800), *range(0xE000, 0x20000)]):
        assert seen(shape) in (shape, "") or seen(shape).isascii(), shape
