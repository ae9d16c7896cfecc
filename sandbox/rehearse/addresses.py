"""Addresses and phones in each country's real shape: city with its region and postcode block, street order, mobile number.

In patterns ``#`` is a digit, ``%`` a digit from 1 to 9 and ``@`` a capital letter that postcodes use; everything else stands
for itself. Streets and numbers are invented, cities and postcode blocks are real.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from .names import company_name, full_width, person_name
from .plan import Recipient


@dataclass(frozen=True, slots=True)
class Land:
    """``cities``: (city, region, postcode pattern). ``street``: format of {street} and {n}. ``unit``: format of a flat."""

    cities: tuple[tuple[str, str, str], ...]
    streets: tuple[str, ...]
    phone: str
    street: str = "{n} {street}"
    unit: str = "Flat {n}"


def _land(cities: str, streets: str, phone: str, street: str = "{n} {street}", unit: str = "Flat {n}") -> Land:
    """``cities`` as "city|region|postcode; …", ``streets`` as "street; …"."""
    rows = []
    for row in cities.split(";"):
        city, region, postcode = (part.strip() for part in row.split("|"))
        rows.append((city, region, postcode))
    return Land(tuple(rows), tuple(part.strip() for part in streets.split(";")), phone, street, unit)


_EN_STREETS = (
    "High Street; Station Road; Church Lane; Victoria Avenue; St. James's Square; Mill Close; King Edward Drive"
)
_DE_STREETS = "Hauptstraße; Schillerstr.; Am Mühlenbach; Lange Gasse; Bahnhofplatz; Goethestraße"
_AR_STREETS = "King Faisal Road; Al Corniche Street; Al Wasl Road; شارع الملك فهد"

LANDS: Mapping[str, Land] = {
    "GB": _land(
        "London||SW%A #@@; Manchester||M% %@@; Leeds||LS% %@@; Edinburgh||EH% %@@; Stoke-on-Trent||ST% %@@; Truro||TR% %@@",
        _EN_STREETS + "; Rose Cottage, The Green",
        "+44 7400 ######",
    ),
    "IE": _land(
        "Dublin|Co. Dublin|D0% @%##; Cork|Co. Cork|T12 @%##; Galway|Co. Galway|H91 @%##",
        _EN_STREETS,
        "+353 85 ### ####",
    ),
    "JE": _land("St Helier|Jersey|JE2 %@@; St Brelade|Jersey|JE3 %@@", _EN_STREETS, "+44 7797 7#####"),
    "GG": _land("St Peter Port|Guernsey|GY1 %@@; Vale|Guernsey|GY3 %@@", _EN_STREETS, "+44 7781 1#####"),
    "DE": _land(
        "Berlin||10%##; München||80%##; Köln||50%##; Frankfurt am Main||60%##; Görlitz||02%##",
        _DE_STREETS,
        "+49 1512 #######",
        "{street} {n}",
        "{n}. Etage",
    ),
    "AT": _land("Wien||1%#0; Graz||80##; St. Pölten||31##", _DE_STREETS, "+43 664 ######", "{street} {n}", "Top {n}"),
    "CH": _land(
        "Zürich|ZH|80##; Genève|GE|120#; Lugano|TI|69##",
        _DE_STREETS,
        "+41 78 1## ## ##",
        "{street} {n}",
        "Postfach {n}",
    ),
    "FR": _land(
        "Paris||750%%; Lyon||6900%; Saint-Étienne||42%00; Aix-en-Provence||13%00",
        "rue de l'Église; avenue du Général-Leclerc; boulevard Saint-Michel; place des Vosges; impasse des Chênes",
        "+33 6 12 ## ## ##",
        "{n} {street}",
        "Appt {n}",
    ),
    "BE": _land(
        "Bruxelles||1%#0; Antwerpen||2%#0; Liège||4%#0",
        "Rue Haute; Kerkstraat; Avenue Louise; Grote Markt",
        "+32 470 ## ## ##",
        "{street} {n}",
        "bte {n}",
    ),
    "NL": _land(
        "Amsterdam||10%# @@; 's-Gravenhage||25%# @@; Utrecht||35%# @@; 's-Hertogenbosch||52%# @@",
        "Keizersgracht; Kerkstraat; van 't Hoffplein; Lange Voorhout",
        "+31 6 12######",
        "{street} {n}",
        "{n} hoog",
    ),
    "ES": _land(
        "Madrid|Madrid|280##; Barcelona|Barcelona|080##; A Coruña|A Coruña|150##; Logroño|La Rioja|260##",
        "Calle Mayor; Avda. de la Constitución; Paseo de Gràcia; C/ Núñez de Balboa",
        "+34 612 ### ###",
        "{street}, {n}",
        "{n}º Izda.",
    ),
    "PT": _land(
        "Lisboa||1%00-0##; Porto||4%00-1##; Évora||70#0-5##",
        "Rua Augusta; Av. da Liberdade; Travessa do Carmo; Praça da República",
        "+351 912 ### ###",
        "{street}, n.º {n}",
        "{n}.º Dto",
    ),
    "IT": _land(
        "Roma|RM|001%#; Milano|MI|201%#; L'Aquila|AQ|67100; Forlì|FC|4712%",
        "Via Giuseppe Verdi; Piazza dell'Unità; Viale della Libertà; Corso Umberto I",
        "+39 312 ### ####",
        "{street}, {n}",
        "Scala {n}",
    ),
    "FI": _land(
        "Helsinki||001%0; Jyväskylä||40%00; Åbo||201%0",
        "Mannerheimintie; Hämeenkatu; Itäinen Pitkäkatu",
        "+358 41 2######",
        "{street} {n}",
        "as. {n}",
    ),
    "SE": _land(
        "Stockholm||11% ##; Göteborg||41% ##; Malmö||21% ##",
        "Drottninggatan; Östra Hamngatan; Södra vägen",
        "+46 70 123 ## ##",
        "{street} {n}",
        "lgh 1%02",
    ),
    "NO": _land(
        "Oslo||01%#; Tromsø||90%#; Ålesund||60%#",
        "Karl Johans gate; Storgata; Bjørnefaret",
        "+47 406 ## ###",
        "{street} {n}",
        "Leil. {n}",
    ),
    "DK": _land(
        "København K||11%#; Århus C||8000; Ærøskøbing||5970",
        "Strøget; Nørregade; Åboulevarden",
        "+45 32 12 ## ##",
        "{street} {n}",
        "{n}. tv.",
    ),
    "IS": _land(
        "Reykjavík||10%; Ísafjörður||400; Höfn||780",
        "Laugavegur; Þórsgata; Aðalstræti",
        "+354 611 1###",
        "{street} {n}",
        "íbúð {n}",
    ),
    "PL": _land(
        "Warszawa||0%-##0; Łódź||9%-##0; Kraków||3%-##0",
        "ul. Marszałkowska; al. Jerozolimskie; ul. Świętokrzyska; os. Złotego Wieku",
        "+48 512 ### ###",
        "{street} {n}",
        "m. {n}",
    ),
    "CZ": _land(
        "Praha 1||110 00; Brno||602 00; Plzeň||301 00",
        "Václavské náměstí; Dlouhá; U Řeky",
        "+420 601 ### ###",
        "{street} {n}",
        "byt {n}",
    ),
    "LT": _land(
        "Vilnius||LT-01###; Kaunas||LT-44###",
        "Gedimino pr.; Šv. Jono g.; Žirmūnų g.",
        "+370 612 #####",
        "{street} {n}",
        "butas {n}",
    ),
    "GR": _land(
        "Αθήνα||10% ##; Θεσσαλονίκη||54% ##; Patra||26% ##",
        "Ερμού; Λεωφόρος Κηφισίας; Agiou Andreou",
        "+30 691 234 ####",
        "{street} {n}",
        "{n}ος όροφος",
    ),
    "CY": _land(
        "Λευκωσία||10##; Limassol||30##; Πάφος||80##",
        "Λήδρας; Makariou III Avenue; Αγίου Ανδρέου",
        "+357 96 ######",
        "{street} {n}",
        "Flat {n}",
    ),
    "MT": _land(
        "Valletta||VLT 1%##; Sliema||SLM 1%##; Ħamrun||HMR 1%##",
        "Triq ir-Repubblika; Triq San Ġwann; Tower Road",
        "+356 9696 1###",
        "{n}, {street}",
        "Fl. {n}",
    ),
    "US": _land(
        "New York|NY|100%#; Los Angeles|CA|900%#; Seattle|WA|98109-1%##; Winston-Salem|NC|2710%;"
        " St. Louis|MO|631%#; Honolulu|HI|968%#",
        "Main St; 5th Ave N; Martin Luther King Jr. Blvd; Elm Street; County Road 12; Broadway",
        "+1 201-555-0###",
        "{n} {street}",
        "Apt {n}",
    ),
    "CA": _land(
        "Toronto|ON|M%A %A%; Montréal|QC|H%B %B%; St. John's|NL|A%C %C%",
        "Yonge St; Rue Sainte-Catherine O; King St W",
        "+1 506-234-####",
        "{n} {street}",
        "Unit {n}",
    ),
    "AU": _land(
        "Sydney|NSW|20%%; Melbourne|VIC|30%%; Wagga Wagga|NSW|2650",
        _EN_STREETS,
        "+61 412 ### ###",
        "{n} {street}",
        "Unit {n}",
    ),
    "BR": _land(
        "São Paulo|SP|01%##-000; Rio de Janeiro|RJ|20%##-000; Goiânia|GO|74%##-000",
        "Av. Paulista; Rua das Laranjeiras; Praça da Sé",
        "+55 11 96123-####",
        "{street}, {n}",
        "Apto {n}",
    ),
    "ZA": _land(
        "Cape Town|Western Cape|80##; Johannesburg|Gauteng|20##",
        _EN_STREETS,
        "+27 71 123 ####",
        "{n} {street}",
        "Unit {n}",
    ),
    "JP": _land(
        "千代田区|東京都|100-00%#; 大阪市北区|大阪府|530-00%#; Sapporo-shi Chuo-ku|Hokkaido|060-00%#",
        "神田神保町; 梅田; 北一条西; Marunouchi",
        "+81 90-1234-####",
        "{street} {n}-3-12",
        "{n}号室",
    ),
    "CN": _land(
        "深圳市|广东省|5180%#; 上海市|上海市|2000%#; Hangzhou|Zhejiang|3100%#",
        "科技园路; 南京东路; 文三路",
        "+86 131 2345 ####",
        "{street}{n}号",
        "{n}单元",
    ),
    "HK": _land(
        "Kowloon|Kowloon|; 觀塘|Kowloon|; Wan Chai|Hong Kong Island|",
        "Nathan Road; 彌敦道; Hennessy Road; 開源道",
        "+852 5123 ####",
        "{n} {street}",
        "Flat {n}, 12/F",
    ),
    "SG": _land(
        "Singapore||23%%##; Singapore||56%%##",
        "Orchard Road; Ang Mo Kio Avenue 3; Jalan Besar",
        "+65 8123 ####",
        "Blk {n} {street}",
        "#12-{n}",
    ),
    "IL": _land(
        "Tel Aviv-Yafo||61%####; ירושלים||91%####; Haifa||31%####",
        "Rothschild Blvd; רחוב יפו; Herzl Street",
        "+972 50-234-####",
        "{street} {n}",
        "Apt {n}",
    ),
    "AE": _land(
        "Dubai|Dubai|; Abu Dhabi|Abu Dhabi|; الشارقة|Sharjah|",
        _AR_STREETS,
        "+971 50 123 ####",
        "{street}, Villa {n}",
        "Apt {n}",
    ),
    "SA": _land(
        "Riyadh||11%##; جدة||21%##; Dammam||31%##", _AR_STREETS, "+966 51 234 ####", "{n} {street}", "Unit {n}"
    ),
    "BH": _land(
        "Manama||30%; المنامة||31%; Muharraq||20%", _AR_STREETS, "+973 3600 1###", "{street}, Bldg {n}", "Flat {n}"
    ),
    "LB": _land(
        "Beirut||20%% 1%##; بيروت||11%% 2%##",
        "Hamra Street; شارع الحمرا; Rue Gouraud",
        "+961 71 123 ###",
        "{street}, Bldg {n}",
        "Floor {n}",
    ),
    "RU": _land(
        "Москва|Москва|1010##; Санкт-Петербург|Санкт-Петербург|1900##",
        "ул. Ленина; Невский проспект; пер. Хользунова",
        "+7 912 345-##-##",
        "{street}, д. {n}",
        "кв. {n}",
    ),
}

_POSTCODE_LETTERS = "ABDEFGHJLNPQRTUWXYZ"  # those that British, Dutch and Irish codes all use


def fill(source: Random, pattern: str) -> str:
    """``pattern`` with its marks replaced by digits and letters."""
    out = []
    for char in pattern:
        if char == "#":
            char = str(source.randrange(10))
        elif char == "%":
            char = str(source.randrange(1, 10))
        elif char == "@":
            char = source.choice(_POSTCODE_LETTERS)
        out.append(char)
    return "".join(out)


def recipient(source: Random, country: str, awkward: str = "") -> Recipient:
    """An invented recipient in ``country`` (a key of ``LANDS``; KeyError otherwise). ``awkward``: see ``names.AWKWARD``."""
    land = LANDS[country]
    city, region, postcode = source.choice(land.cities)
    number = source.randrange(1, 180)
    street = land.street.format(street=source.choice(land.streets), n=f"{number}{'a' if source.random() < 0.1 else ''}")
    lines = [street]
    if source.random() < 0.25:
        lines.append(fill(source, land.unit.format(n=source.randrange(1, 90))))
    if awkward == "long":
        lines.append("Gebäude 7, Hinterhof links, bitte beim Pförtner klingeln und Paket nicht vor der Türe abstellen")
    elif awkward == "full_width":
        lines = [full_width(line) for line in lines]
    elif awkward == "ampersand":
        lines.append("c/o Fish & Chips <Corner Shop>")
    elif awkward == "chinese":
        lines.append("科技园中区 3栋1205室")
    phone = "" if awkward == "no_phone" else fill(source, land.phone)
    company = company_name(source, country) if source.random() < 0.15 else ""
    name = person_name(source, country, awkward)
    return Recipient(name, company, tuple(lines), city, region, fill(source, postcode), country, phone)


def retyped(source: Random, known: Recipient) -> Recipient:
    """The same person at the same door, typed once more: another case, another space, full-width or an abbreviation."""
    kind = source.randrange(4)
    lines, name = known.lines, known.name
    if kind == 0:
        lines = tuple(line.replace(" ", "  ", 1) + " " for line in lines)
    elif kind == 1:
        lines, name = tuple(line.upper() if line.isascii() else line for line in lines), name.upper()
    elif kind == 2:
        lines = tuple(full_width(line) for line in lines)
    else:
        lines = tuple(line.replace("Street", "St").replace("straße", "str.").replace("Road", "Rd.") for line in lines)
    return Recipient(name, known.company, lines, known.city, known.region, known.postcode, known.country, known.phone)
