"""Pages as people might write them, for property tests and for the fuzzer: pieces of every grammar, and noise."""

from hypothesis import strategies as st

WORD = st.sampled_from(
    [
        "codec",
        "speech",
        "token",
        "残差量化",
        "声学延迟",
        "CMU",
        "Meta",
        "Toy-2",
        "ToyTTS",
        "12.5",
        "Hz",
        "RVQ",
        "模型",
        "训练",
        "a",
        "the",
        "of",
        "笔记",
        "★",
        "☆",
        "µ",
        "é",
        "ﬁ",
        "𝔸",
        "\xa0",
        "\u200b",
        "，、。：",
    ]
)
TEXT = st.lists(WORD, min_size=1, max_size=8).map(" ".join)
URL = st.sampled_from(
    [
        "https://arxiv.org/abs/2410.00037v2",
        "https://openreview.net/forum?id=aB_1",
        "https://github.com/a/b.git",
        "./notes/a b.md",
        "https://doi.org/10.1000/x(1)",
        "https://example.org/(a_(b))",
    ]
)
LINK = st.builds("[{}]({})".format, TEXT, URL)
LINES = st.one_of(
    TEXT,
    st.builds("{} {}".format, st.sampled_from(["#", "##", "###", "####"]), TEXT),
    st.builds("**《{}》** {}，{}".format, TEXT, TEXT, TEXT),
    st.builds("### {}，{}，{}".format, TEXT, TEXT, TEXT),
    st.builds("### 202410 `{}` {} ☆".format, TEXT, TEXT),
    st.builds("## {}".format, LINK),
    st.builds("- {} {}".format, LINK, TEXT),
    st.builds("  - {}".format, TEXT),
    st.builds("1. **{}** {}".format, TEXT, LINK),
    st.builds("| {} | {} |".format, TEXT, LINK),
    st.sampled_from(["| Title | Paper |", "| --- | --- |", "| **Paper** | **Links** |", "|", "| a |"]),
    st.builds("> **{}**：{}".format, st.sampled_from(["论文", "作者", "机构", "发布时间", "arXiv"]), TEXT),
    st.builds("{}:: {}".format, st.sampled_from(["authors", "venue", "tags"]), TEXT),
    st.builds("{}: {}".format, TEXT, URL),
    st.sampled_from(
        ["", "", "", "---", "***", "```", "~~~", "$$", "<!--", "-->", "<!-- more -->", "<img src='a.png'>", "    code"]
    ),
    st.sampled_from(
        ["• 项目一", "▼小节", "#! https://a.b/c", "[[Wiki|Link]]", "> [!note] x", ":::tip", ":::", "\\*", "[", "]("]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\n\r"), max_size=20),
)
CLAIM = "claim id says run with expect expect_contradiction"  # what a claim block says beside its values
BLOCKS = st.one_of(
    st.builds(
        "```claim\nid: {}\nsays: {}\nrun: arithmetic.total\nwith: {{parts: [1, 2]}}\nexpect: {{total: 3}}\n```".format,
        st.sampled_from(["a-1", "b.2", "codec"]),
        TEXT,
    ),
    st.builds("  ~~~ claim\n  id: c\n  says: {}\n  run: x\n  expect:\n    y: 1\n  ~~~".format, TEXT),
    st.sampled_from(
        ["```claim\nid: a\n```", "```claim\nsays: [codec\n```", "```claim\ncodec: {a: {b: c}}\n```", "```claim"]
    ),
)
PAGES = st.builds(
    lambda lines, end: end.join(lines), st.lists(LINES | BLOCKS, max_size=40), st.sampled_from(["\n", "\r\n"])
)
FILES = st.sampled_from(["n.md", "2024-10.md", "a/Toy--A Codec 阅读笔记.md", "SpEx_Net.md", "论文.txt"])
