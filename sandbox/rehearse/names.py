"""Names of invented people, in the scripts and with the awkward shapes that real orders have. All from a seeded source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

GIVEN: Mapping[str, Sequence[str]] = {
    "en": "Oliver Amelia George Isla Harry Ava Jack Mia Noah Emily Leo Sophie Arthur Grace Freddie Lily".split(),
    "de": "Jürgen Anke Lukas Hannah Finn Käthe Björn Sabine Jörg Ursula Maximilian Frieda Götz Heike".split(),
    "fr": "Élodie François Chloé Théo Inès Gaël Maëlle Loïc Aurélie Benoît Noémie Jérôme Océane".split(),
    "es": "José María Begoña Íñigo Nuria Álvaro Sofía Martín Lucía Andrés Ximena Raúl Inés".split(),
    "pt": "João Inês Gonçalo Beatriz Luís Conceição Tiago Mafalda Nuno Catarina Estêvão".split(),
    "it": "Niccolò Giulia Matteo Chiara Alessandro Beatrice Cosimo Ludovica Tommaso Desirée".split(),
    "nl": "Sanne Joost Femke Bram Lotte Thijs Maaike Daan Fleur Jeroen Noor Wouter".split(),
    "nordic": "Åsa Bjørn Søren Jörgen Sigrún Þór Aino Väinö Ingrid Håkon Mette Øystein".split(),
    "slavic": "Łukasz Agnieszka Jiří Zdeňka Paweł Małgorzata Ondřej Žaneta Vytautas Rūta Živilė".split(),
    "mt": "Ġorġ Marija Ċensu Karmni Ġużeppi Katarina".split(),
    "ru": "Иван Ольга Алексей Наталья Пётр Екатерина Дмитрий Юлия Фёдор Анастасия".split(),
    "el": "Γιώργος Ελένη Δημήτρης Κατερίνα Νίκος Σοφία Παναγιώτης Άννα".split(),
    "ar": ["محمد", "فاطمة", "أحمد", "مريم", "عبد الله", "نورة", "خالد", "ليلى"],
    "he": ["דוד", "שרה", "יוסף", "רחל", "משה", "נועה"],
    "zh": list("伟芳娜敏静丽强磊军洋") + ["秀英", "小明", "建国", "晓燕", "志强", "子涵", "欣怡", "梓轩"],
    "ja": ["太郎", "花子", "健一", "さくら", "翔太", "美咲", "大輔", "ひなた"],
}
FAMILY: Mapping[str, Sequence[str]] = {
    "en": "Smith Jones Taylor Brown Williams Wilson Davies Robinson Wright Thompson Evans Walker White Green".split(),
    "de": "Müller Schmidt Schröder Weiß Köhler Größler Bäcker Hofmann Krüger Groß Jäger Kühn".split(),
    "fr": "Lefèvre Dubois Rémy Moreau Gauthier Béranger Châtelain Dupré Lévêque Desprès".split(),
    "es": "García Núñez Fernández Muñoz Ibáñez Peña Gutiérrez Ordóñez Cañizares Sáez".split(),
    "pt": "Gonçalves Araújo Magalhães Simões Conceição Guimarães Lourenço Brandão".split(),
    "it": "Rossi Bianchi Esposito Ferrari Colombo Ricci Marino Galli".split() + ["D'Angelo", "De Santis"],
    "nl": ["de Vries", "van den Berg", "Bakker", "Janssen", "van 't Hoff", "Visser", "ter Horst"],
    "nordic": "Åkerström Sørensen Lindqvist Mäkinen Hämäläinen Østby Björnsdóttir Þorvaldsson Nygård".split(),
    "slavic": "Wójcik Kowalczyk Dvořák Šimánek Szczęsny Čermák Grzegorzewski Kazlauskienė Žukauskas".split(),
    "mt": "Borg Żammit Ċaruana Farruġia Ħili Vella".split(),
    "ru": "Иванов Щербаков Йовчев Кузнецова Соловьёва Жуков Чайковская".split(),
    "el": "Παπαδόπουλος Γεωργίου Νικολάου Οικονόμου Καραγιάννη".split(),
    "ar": ["الحداد", "المنصوري", "بن سالم", "العلي", "خوري", "القحطاني"],
    "he": ["כהן", "לוי", "מזרחי", "פרץ"],
    "zh": list("王李张刘陈杨赵黄周吴徐孙") + ["欧阳", "司马"],
    "ja": ["佐藤", "鈴木", "高橋", "田中", "渡辺", "伊藤", "小林", "髙﨑"],
}
CULTURE = {
    "GB": "en", "IE": "en", "US": "en", "AU": "en", "CA": "en", "ZA": "en", "JE": "en", "GG": "en", "SG": "en", "HK": "zh",
    "DE": "de", "AT": "de", "CH": "de", "FR": "fr", "BE": "fr", "ES": "es", "PT": "pt", "BR": "pt", "IT": "it", "NL": "nl",
    "SE": "nordic", "NO": "nordic", "DK": "nordic", "FI": "nordic", "IS": "nordic", "PL": "slavic", "CZ": "slavic",
    "LT": "slavic", "MT": "mt", "GR": "el", "CY": "el", "JP": "ja", "CN": "zh", "RU": "ru", "IL": "he",
    "AE": "ar", "SA": "ar", "BH": "ar", "LB": "ar",
}  # fmt: skip
COMPANY_ENDINGS = {"en": "Ltd", "de": "GmbH", "fr": "SARL", "es": "S.L.", "pt": "Lda.", "it": "S.r.l.", "nl": "B.V."}

AWKWARD = (
    "chinese", "cyrillic", "greek", "arabic", "japanese", "emoji", "apostrophe", "ampersand", "long", "full_width",
    "no_phone", "one_word", "padded",
)  # fmt: skip
APOSTROPHES = ("O’Brien", "O'Neill", "D’Arcy", "Ng'ang'a")


def full_width(text: str) -> str:
    """ASCII as typed with a Chinese or Japanese keyboard in full-width mode."""
    return "".join(
        "\u3000" if char == " " else chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text
    )


def name_of(source: Random, culture: str) -> str:
    given, family = source.choice(GIVEN[culture]), source.choice(FAMILY[culture])
    if culture == "zh":
        return family + given
    return f"{family} {given}" if culture == "ja" else f"{given} {family}"


def person_name(source: Random, country: str, awkward: str = "") -> str:
    """A name as a buyer in ``country`` may write it; ``awkward`` is one of ``AWKWARD`` or empty."""
    scripts = {"chinese": "zh", "cyrillic": "ru", "greek": "el", "arabic": "ar", "japanese": "ja"}
    if awkward in scripts:
        return name_of(source, scripts[awkward])
    name = name_of(source, CULTURE.get(country, "en"))
    match awkward:
        case "emoji":
            return f"{name} {source.choice('🌸🎁😀🦄💖')}"
        case "apostrophe":
            return f"{source.choice(GIVEN['en'])} {source.choice(APOSTROPHES)}"
        case "ampersand":
            return f"{name} & {name_of(source, 'en')}"
        case "long":
            return " ".join(
                [*(source.choice(GIVEN["de"]) for _ in range(4)), "von und zu", source.choice(FAMILY["de"])]
            )
        case "full_width":
            return full_width(name_of(source, "en"))
        case "one_word":
            return source.choice(FAMILY["en"]).upper()
        case "padded":
            return f"  {name.replace(' ', '  ', 1)} "
    return name


def company_name(source: Random, country: str) -> str:
    culture = CULTURE.get(country, "en")
    if culture == "zh":
        return f"{source.choice(['深圳市', '广州', '香港'])}{source.choice(['华', '德', '鑫', '盛'])}贸易有限公司"
    family = source.choice(FAMILY[culture])
    return f"{family} {source.choice(['& Sons', 'Trading', '+ Co.', 'Gifts'])} {COMPANY_ENDINGS.get(culture, 'Ltd')}"
