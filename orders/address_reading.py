"""Pure: a pasted address becomes fields. Never guesses in silence: what it is not sure of is named.

Understood are lines as they stand on a parcel, labelled lines ("Tel:", "收件人："), one line with commas, and Chinese
addresses in one piece. A person looks at the result before it is kept.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from babel import Locale

from orders.address_shape import Shape, countries, shape_of

MOST = 2000
_LABELS: tuple[tuple[str, str], ...] = (
    (
        "ship_name",
        r"name|full name|recipient|receiver|consignee|attn|attention|to|ship to|收件人|收货人|姓名|联系人|名前|お名前",
    ),
    ("ship_company", r"company|organi[sz]ation|公司|单位|会社名"),
    (
        "ship_phone",
        r"phone|telephone|tel|mobile|cell|phone number|电话|手机|手机号|手机号码|联系电话|联系方式|電話|電話番号",
    ),
    ("ship_email", r"e-?mail|mail|邮箱|电子邮件|电邮"),
    ("ship_postcode", r"zip|zip ?code|post ?code|postal code|postcode|plz|cep|邮编|邮政编码|郵便番号"),
    ("ship_city", r"city|town|ort|城市|市"),
    ("ship_region", r"state|province|region|county|prefecture|省|省份|州"),
    ("ship_district", r"district|区县|区"),
    ("ship_country", r"country|land|pays|国家|国"),
    ("ship_lines", r"address|street|addr|address line ?\d?|street address|详细地址|收货地址|地址|所在地区|住所"),
)
_LABEL = [(name, re.compile(rf"^(?:{words})\s*\d?\s*[:：]\s*(.*)$", re.IGNORECASE)) for name, words in _LABELS]
_EMAIL = re.compile(r"[^\s<>,;:()@]+@[^\s<>,;()@]+\.[a-z]{2,}", re.IGNORECASE)
_PHONE = re.compile(r"(?<![\w/-])\+?\(?\d[\d\s().\-/]{6,20}\d(?![\w-])")
_COMPANY = re.compile(
    r"\b(gmbh|mbh|ltd|limited|inc|llc|llp|corp|co\.|company|plc|ag|kg|ohg|ug|b\.?v|n\.?v|s\.?a|s\.?l|s\.?r\.?l|sarl|sas|spa|"
    r"oy|ab|aps|a/s|pty|e\.?v)\b\.?|公司|株式会社|有限会社|商行|工厂",
    re.IGNORECASE,
)
_ALIASES = {
    "usa": "US",
    "u.s.a.": "US",
    "u.s.": "US",
    "united states of america": "US",
    "america": "US",
    "uk": "GB",
    "u.k.": "GB",
    "great britain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "holland": "NL",
    "the netherlands": "NL",
    "korea": "KR",
    "south korea": "KR",
    "republic of korea": "KR",
    "russian federation": "RU",
    "czech republic": "CZ",
    "p.r. china": "CN",
    "pr china": "CN",
    "prc": "CN",
    "中华人民共和国": "CN",
    "hong kong": "HK",
    "taiwan": "TW",
    "macau": "MO",
    "uae": "AE",
    "viet nam": "VN",
    "österreich": "AT",
    "schweiz": "CH",
    "suisse": "CH",
}
_MARKS = {"D": "DE", "A": "AT", "F": "FR", "I": "IT"}
_ZH_PLACE = re.compile(
    r"^(?P<region>[^省市区县]{2,8}?(?:省|自治区|特别行政区)|内蒙古|广西|西藏|宁夏|新疆)?"
    r"(?P<city>[^市区县]{2,9}?(?:市|自治州|地区|盟))?"
    r"(?P<district>[^区县市旗\d]{1,9}?(?:区|县|市|旗))?(?P<rest>.*)$"
)
_ZH_CITIES = ("北京", "上海", "天津", "重庆")
_SPLIT = re.compile(r"\s*[,，;；|\t]\s*")


@dataclass
class Reading:
    """``fields``: ours (``ship_lines`` a list). ``unsure``: fields that a person should look at twice."""

    fields: dict[str, Any] = field(default_factory=dict)
    unsure: list[str] = field(default_factory=list)


def read(text: str, country: str = "") -> Reading:
    """Fields of a pasted address. ``country``: what the form says already; a country in the text wins over it."""
    lines = _lines(text)
    out: dict[str, Any] = {}
    lines = _labelled(lines, out)
    lines = [_taken(line, out) for line in lines]
    lines = [line for line in lines if line]
    code = _country_code(str(out.pop("ship_country", ""))) or _country(lines) or _by_script(lines) or country.upper()
    out["ship_country"] = code
    shape = shape_of(code)
    lines = _phones(lines, out)
    if len(lines) < 3 and not out.get("ship_lines"):
        lines = [part for line in lines for part in (_SPLIT.split(line) if code != "CN" else line.split(" ")) if part]
        if len(lines) < 3 and code == "CN":
            lines = [part for line in lines for part in _SPLIT.split(line) if part]
    _place(lines, out, shape)
    company = next((line for line in lines if _COMPANY.search(line) and not line[:1].isdigit()), "")
    if company and not out.get("ship_company"):
        lines.remove(company)
        out["ship_company"] = company
    if not out.get("ship_name") and lines:
        at = next((index for index, line in enumerate(lines) if not any(char.isdigit() for char in line)), -1)
        # "Hans 2nd" is a name too, as long as a street is left; a company needs none.
        if at >= 0 or (len(lines) > 1 and not company):
            out["ship_name"] = lines.pop(max(at, 0))
    street = out.get("ship_lines") or []
    out["ship_lines"] = ([street] if isinstance(street, str) else street) + lines
    return Reading(out, _unsure(out, shape))


def _lines(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text[:MOST].replace("\r", "\n"))
    found = [re.sub(r"\s+", " ", line).strip(" ,;，；") for line in plain.split("\n")]
    return [line for line in found if line]


def _labelled(lines: list[str], out: dict[str, Any]) -> list[str]:
    """Lines that say what they are; the others come back."""
    rest = []
    for line in lines:
        # "收件人:张三 电话:138…" in one line
        for part in re.split(r"\s+(?=[^\s:：]{1,8}[:：]\S)", line):
            hit = next(((name, found.group(1).strip()) for name, rx in _LABEL if (found := rx.match(part))), None)
            if hit is None or not hit[1]:
                rest.append(part)
            elif hit[0] == "ship_lines":
                rest.append(hit[1])
            else:
                out.setdefault(*hit)
    return rest


def _taken(line: str, out: dict[str, Any]) -> str:
    """The line without an e-mail address."""
    found = _EMAIL.search(line)
    if found is None:
        return line
    out.setdefault("ship_email", found.group(0))
    return line.replace(found.group(0), "").strip(" ,;<>()")


def _phones(lines: list[str], out: dict[str, Any]) -> list[str]:
    """The last thing that can only be a phone number: long, or with a plus, and not the postcode of its line."""
    if out.get("ship_phone"):
        return lines
    for index in range(len(lines) - 1, -1, -1):
        for found in _PHONE.finditer(lines[index]):
            text = found.group(0)
            digits = sum(char.isdigit() for char in text)
            alone = text.strip() == lines[index].strip()
            if (
                15 >= digits >= 9
                and (text.startswith(("+", "0", "(", "1")) or alone)
                or (digits >= 7 and text[0] == "+")
            ):
                out["ship_phone"] = text.strip()
                lines[index] = lines[index].replace(text, " ").strip(" ,;")
                return [line for line in lines if line]
    return lines


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    """Country names in the languages of our buyers → two letters."""
    found: dict[str, str] = {}
    known = {code for code, _ in countries("en")}
    for language in ("en", "zh_Hans", "zh_Hant", "de", "fr", "es", "it", "nl", "pl", "pt", "sv", "ja"):
        for code, name in Locale.parse(language).territories.items():
            if code in known:
                found.setdefault(str(name).casefold(), code)
    return found | _ALIASES


def _country_code(text: str) -> str:
    wanted = text.strip(" .").casefold()
    if len(wanted) == 2 and wanted.isascii() and wanted.upper() in {code for code, _ in countries("en")}:
        return wanted.upper()
    return _names().get(wanted, _names().get(f"{wanted}.", ""))


def _country(lines: list[str]) -> str:
    """The country that stands alone in a line or at the end of the last ones; taken out of them."""
    for index in range(len(lines) - 1, -1, -1):
        code = _country_code(lines[index])
        if code:
            del lines[index]
            return code
        head, _, last = lines[index].rpartition(",") if "," in lines[index] else lines[index].rpartition("，")
        if head and (code := _country_code(last)) and not (len(last.strip()) == 2 and _is_region(last)):
            lines[index] = head.strip(" ,")
            return code
    if lines and lines[0].startswith("中国"):
        lines[0] = lines[0][2:].strip()
        return "CN"
    return ""


def _is_region(text: str) -> bool:
    """ "CA" at the end is California before it is Canada."""
    return any(key == text.strip().upper() for key, _ in shape_of("US").regions)


def _by_script(lines: list[str]) -> str:
    joined = "".join(lines)
    if re.search(r"[\u3040-\u30ff〒県]|東京都|大阪府|京都府|北海道", joined):
        return "JP"
    if re.search(r"[\uac00-\ud7af]", joined):
        return "KR"
    if re.search(r"[省市区县]", joined):
        return "CN"
    if re.search(r",\s*[A-Z]{2}\.?\s+\d{5}(-\d{4})?\b", "\n".join(lines)):
        return "US"
    # The old way of Europe's post: D-80331.
    marked = re.search(r"(?m)^(D|A|F|I|CH|DE|AT|PL|NL|BE|ES)-\d", "\n".join(lines))
    return _MARKS.get(marked.group(1), marked.group(1)) if marked else ""


def _place(lines: list[str], out: dict[str, Any], shape: Shape) -> None:
    """Postcode, city and region out of the lines, from the last one upwards."""
    if shape.country in ("CN", "JP"):
        _east(lines, out, shape)
    postcode = re.compile(_inner(shape), re.IGNORECASE) if shape.postcodes else None
    for index in range(len(lines) - 1, -1, -1):
        if out.get("ship_postcode") or postcode is None:
            break
        found = None
        for found in postcode.finditer(lines[index]):  # noqa: B007
            pass  # the last one: house numbers stand before
        if found is None or (index == 0 and len(lines) > 2):
            continue
        out["ship_postcode"] = found.group(0).strip().upper()
        before, after = lines[index][: found.start()].strip(" ,-"), lines[index][found.end() :].strip(" ,-")
        before = re.sub(rf"\b{shape.country}$", "", before).strip(" ,-")  # D-10999, "DE 10999"
        before = "" if before.upper() in (shape.country, "D", "A", "F", "I", "CH", "PL") else before
        _city(lines, index, [part for part in (before, after) if part], out, shape)
        break
    if not out.get("ship_city") and not out.get("ship_postcode") and len(lines) > 2:
        _city(lines, len(lines) - 1, [lines[-1]], out, shape)
    if out.get("ship_region"):
        out["ship_region"] = shape.region_of(str(out["ship_region"]))


def _inner(shape: Shape) -> str:
    """The country's pattern for use inside of a line."""
    parts = [one.pattern.removeprefix("^").removesuffix("$") for one in shape.postcodes]
    return r"(?<![\w])(?:" + "|".join(f"(?:{part})" for part in parts) + r")(?![\w])"


def _city(lines: list[str], index: int, parts: list[str], out: dict[str, Any], shape: Shape) -> None:
    """What stood around the postcode is the city, with the region behind it; else the line before is."""
    del lines[index]
    if not parts and index > 0 and len(lines) > 1:
        parts = [lines.pop(index - 1)]
        if shape.regions and _region(parts[0], shape) and index > 1 and len(lines) > 1:
            out.setdefault("ship_region", _region(parts[0], shape))
            parts = [lines.pop(index - 2)]
    words = [word for part in parts for word in re.split(r"\s*[,，]\s*", part) if word]
    if not words:
        return
    region = _region(words[-1], shape) if shape.regions and len(words) > 1 else ""
    if region:
        out.setdefault("ship_region", region)
        words.pop()
    elif shape.regions:
        head, _, tail = words[-1].rpartition(" ")
        if head and _region(tail, shape):
            out.setdefault("ship_region", _region(tail, shape))
            words[-1] = head.strip(" -–/")
        elif len(words) == 1 and _region(words[0], shape) and index > 0 and len(lines) > 1 and shape.country != "SG":
            out.setdefault("ship_region", _region(words[0], shape))
            words = [lines.pop(index - 1)]
    if "ship_region" not in out and len(words) > 1 and shape.country in ("GB", "IT", "ES", "MX"):
        out["ship_region"] = words.pop()
    if not out.get("ship_city"):
        out["ship_city"] = words.pop()
    lines[index - 1 : index - 1] = words if index == 0 else []
    if index:
        lines[index:index] = words


def _region(text: str, shape: Shape) -> str:
    wanted = text.strip(" .").casefold()
    return next((key for key, name in shape.regions if wanted in (key.casefold(), name.casefold())), "")


def _east(lines: list[str], out: dict[str, Any], shape: Shape) -> None:
    """Chinese and Japanese addresses: the postcode stands alone or in front, the place leads the street."""
    for index, line in enumerate(lines):
        pattern = r"(?<!\d)\d{6}(?!\d)" if shape.country == "CN" else r"(?<!\d)\d{3}-?\d{4}(?!\d)"
        found = re.search(pattern, line)
        if (
            found
            and not out.get("ship_postcode")
            and (found.group(0) == line or found.start() == 0 or found.end() == len(line))
        ):
            out["ship_postcode"] = found.group(0)
            lines[index] = line.replace(found.group(0), "").strip(" ,")
    lines[:] = [text for line in lines if (text := line.strip("〒 "))]
    if shape.country == "CN":
        _joined(lines)
    for index, line in enumerate(lines):
        if shape.country == "CN" and re.search(r"[省市区县]", line):
            _chinese(line, out)
        elif shape.country == "JP" and (key := next((k for k, _ in shape.regions if line.startswith(k)), "")):
            found = re.match(r"(.{1,8}?[市区町村])(.*)", line[len(key) :])
            out.setdefault("ship_region", key)
            out.setdefault("ship_city", found.group(1) if found else "")
            out["ship_lines"] = [found.group(2).strip() if found else line[len(key) :]]
        else:
            continue
        # What follows belongs to the street (flat, floor), unless nothing stood before it: then a name does.
        rest = lines[index + 1 :]
        names = (
            [one for one in rest if not re.search(r"[\d号楼室栋路街]", one) and len(one) <= 12] if index == 0 else []
        )
        out["ship_lines"] = [text for text in (*out["ship_lines"], *(t for t in rest if t not in names)) if text]
        lines[index:] = names
        break


def _joined(lines: list[str]) -> None:
    """A Chinese place and its street in two lines ("上海市浦东新区", "世纪大道100号") are one address."""
    for index in range(len(lines) - 1):
        if re.fullmatch(r"[^\d]*[省市区县]", lines[index]) and re.search(r"\d", lines[index + 1]):
            lines[index : index + 2] = [lines[index] + lines[index + 1]]
            return


def _chinese(line: str, out: dict[str, Any]) -> None:
    found = _ZH_PLACE.match(line.replace(" ", ""))
    assert found is not None  # every part may be missing
    region, city, district = found["region"] or "", found["city"] or "", found["district"] or ""
    if not region and city.removesuffix("市") in _ZH_CITIES:
        region = city
    for name, value in (("ship_region", region), ("ship_city", city), ("ship_district", district)):
        if value:
            out.setdefault(name, value)
    out["ship_lines"] = [found["rest"]]


def _unsure(out: dict[str, Any], shape: Shape) -> list[str]:
    found = [name for name in sorted(shape.needed) if not out.get(name)]
    if not out.get("ship_country"):
        found.append("ship_country")
    if not out.get("ship_name") and not out.get("ship_company"):
        found.append("ship_name")
    postcode = str(out.get("ship_postcode") or "")
    if postcode and not shape.postcode_fits(postcode):
        found.append("ship_postcode")
    return found
