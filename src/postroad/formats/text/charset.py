"""Text of any charset that mail names (RFC 2045 section 5.2, RFC 2047 section 2); never raises.

Only Python's text encodings of the list below are used. A label is looked up in a table and is
never given to the codec registry, which would import a module named by the sender.
"""

from codecs import getincrementaldecoder
from encodings.aliases import aliases

_CODECS = frozenset(
    (
        "ascii", "big5", "big5hkscs", "cp037", "cp1006", "cp1026", "cp1125", "cp1140",
        "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257",
        "cp1258", "cp424", "cp437", "cp500", "cp720", "cp737", "cp775", "cp850", "cp852",
        "cp855", "cp856", "cp857", "cp858", "cp860", "cp861", "cp862", "cp863", "cp864",
        "cp865", "cp866", "cp869", "cp874", "cp875", "cp932", "cp949", "cp950",
        "euc_jis_2004", "euc_jisx0213", "euc_jp", "euc_kr", "gb18030", "gb2312", "gbk",
        "hp_roman8", "hz", "iso2022_jp", "iso2022_jp_1", "iso2022_jp_2", "iso2022_jp_2004",
        "iso2022_jp_3", "iso2022_jp_ext", "iso2022_kr", "iso8859_10", "iso8859_11",
        "iso8859_13", "iso8859_14", "iso8859_15", "iso8859_16", "iso8859_2", "iso8859_3",
        "iso8859_4", "iso8859_5", "iso8859_6", "iso8859_7", "iso8859_8", "iso8859_9",
        "johab", "koi8_r", "koi8_t", "koi8_u", "kz1048", "latin_1", "mac_cyrillic",
        "mac_greek", "mac_iceland", "mac_latin2", "mac_roman", "mac_turkish", "ptcp154",
        "shift_jis", "shift_jis_2004", "shift_jisx0213", "tis_620", "utf_16", "utf_16_be",
        "utf_16_le", "utf_32", "utf_32_be", "utf_32_le", "utf_7", "utf_8",
    )
)  # fmt: skip

# Interop: senders name the smaller set and use the larger one (all of these are supersets).
_WIDER = {
    "ascii": "utf_8",
    "latin_1": "cp1252",
    "iso8859_9": "cp1254",
    "iso8859_11": "cp874",
    "tis_620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "iso2022_jp": "iso2022_jp_ext",
    "big5": "big5hkscs",
}

_EXTRA = {
    "ansi_x3.110_1983": "latin_1",
    "cp_850": "cp850",
    "iso_8859_1": "latin_1",
    "iso_8859_8_i": "iso8859_8",
    "iso_8859_8_e": "iso8859_8",
    "iso_8859_6_i": "iso8859_6",
    "ks_c_5601_1987": "cp949",
    "ksc5601": "cp949",
    "macintosh": "mac_roman",
    "unicode_1_1_utf_7": "utf_7",
    "utf8mb4": "utf_8",
    "windows_31j": "cp932",
    "windows_874": "cp874",
    "windows_949": "cp949",
    "x_euc_jp": "euc_jp",
    "x_gbk": "gbk",
    "x_mac_cyrillic": "mac_cyrillic",
    "x_mac_roman": "mac_roman",
    "x_sjis": "cp932",
    "x_x_big5": "big5",
}

_LONGEST_LABEL = 60


def _table() -> dict[str, str]:
    found = {codec: codec for codec in _CODECS}
    found |= {alias: codec for alias, codec in aliases.items() if codec in _CODECS}
    found |= _EXTRA
    for codec in _CODECS:
        if codec.startswith("iso8859_"):
            found[codec.replace("iso8859_", "iso_8859_")] = codec
        if codec.startswith("cp125"):
            found[codec.replace("cp", "windows_")] = codec
            found[codec.replace("cp", "x_cp")] = codec
    return {label: _WIDER.get(codec, codec) for label, codec in found.items()}


_BY_LABEL = _table()


def find_codec(label: str) -> str | None:
    """The Python codec for a charset's label, whatever its case and punctuation; or None."""
    if len(label) > _LONGEST_LABEL:
        return None
    name = label.strip().strip("\"'").lower().replace("-", "_").replace(" ", "_")
    return _BY_LABEL.get(name) or _BY_LABEL.get(name.replace(":", "_"))


def guess(octets: bytes) -> str:
    """Text of octets that name no charset: UTF-8 if they are mostly that, else Windows-1252."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        text = octets.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    right = len(text) - len(text.encode("ascii", "ignore")) - wrong
    return text if right >= wrong else octets.decode("cp1252", "replace")


def decode(octets: bytes, label: str | None) -> str:
    """Text of octets in the charset of that label; what is wrong becomes U+FFFD.

    Text with an unknown label, or none, and UTF-8 that is wrong, are guessed.
    """
    codec = find_codec(label) if label else None
    if codec is None or codec == "utf_8":
        # Interop: "us-ascii" and "utf-8" are often said of Windows-1252.
        return guess(octets)
    try:
        return octets.decode(codec, "replace")
    except (UnicodeError, ValueError, LookupError):
        # Limit: some stateful codecs raise in spite of "replace".
        return guess(octets)


def decode_beginning(octets: bytes, label: str | None) -> str:
    """As `decode`, of the beginning of a text that may be cut within a character."""
    codec = find_codec(label) if label else None
    is_guess = codec is None or codec == "utf_8"
    try:
        decoder = getincrementaldecoder(codec or "utf_8")("strict" if is_guess else "replace")
        return decoder.decode(octets)
    except (UnicodeError, ValueError, LookupError):
        return guess(octets)
