"""Text that every test of text must survive."""

UNICODE_TEXTS = (
    "",
    "𠮷野家的𪚥龘",  # Ext-B
    "𮯠𰀀𱍐",  # Ext-F to H
    "〇一二",
    "ＡＢＣ１２３全角",
    "e\u0301te\u0301 组合",  # combining marks
    "👩‍👩‍👧‍👦家庭😀",
    "\u3000表意空格\u3000",
    "㐀㐁",  # Ext-A
    "豈更車",  # compatibility ideographs
    "5G网络和A股",
    "繁體中文字",
    "\u202e右到左\u200b零宽",
    "长" * 100_000,
)
"""Extension blocks, full-width forms, combining marks, emoji, nothing at all, a very long line."""

UNICODE_WORDS = (
    *("𠮷野家", "〇一二", "ＡＢＣ", "été", "e\u0301te\u0301", "👩\u200d👧", "㐀㐁", "豈"),
    *("5G网络", "A股", "繁體", "京基100", "C++", "19-9", "a,b", 'say"hi"', "=1+1", "<b>"),
    *("$x$", "\\n", "长" * 500),
)
"""Words that try the patience of file formats and displays; all distinct, without white space."""
