"""What buyers write: questions and notes in several languages. ``{title}`` is the first item of the order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

LANGUAGE_OF = {
    "DE": "de", "AT": "de", "CH": "de", "FR": "fr", "BE": "fr", "ES": "es", "IT": "it", "NL": "nl", "PL": "pl", "PT": "pt",
    "BR": "pt", "JP": "ja", "HK": "zh", "CN": "zh", "SG": "zh", "RU": "ru", "AE": "ar", "SA": "ar", "BH": "ar", "LB": "ar",
}  # fmt: skip

QUESTIONS: Mapping[str, Sequence[tuple[str, str]]] = {
    "en": (
        ("Where is my order?", "Hello, I ordered {title} and have not heard anything since. When will it arrive?"),
        (
            "Change of address",
            "Hi, could you please send it to my work address instead? I'll be away & can't sign.\n\nThanks!",
        ),
        ("Invoice please", "I need a VAT invoice for my records — can you attach one?"),
    ),
    "de": (
        ("Wo bleibt meine Bestellung?", "Guten Tag, wann wird „{title}“ verschickt? Ich brauche es bis Freitag. Grüße"),
        ("Rechnung", "Bitte schicken Sie mir eine Rechnung mit ausgewiesener MwSt., vielen Dank."),
    ),
    "fr": (
        ("Où est ma commande ?", "Bonjour, je n'ai toujours rien reçu pour « {title} ». Pouvez-vous vérifier ?"),
        ("Article cassé", "Bonjour, l'article est arrivé cassé. Que faire ? Cordialement"),
    ),
    "es": (("¿Dónde está mi pedido?", "Buenos días, ¿cuándo llegará «{title}»? ¡Es un regalo de cumpleaños!"),),
    "it": (("Dov'è il mio ordine?", "Buongiorno, quando verrà spedito {title}? Grazie mille."),),
    "nl": (("Waar blijft mijn bestelling?", "Hallo, wanneer komt {title}? Alvast bedankt."),),
    "pl": (("Gdzie jest moja paczka?", "Dzień dobry, kiedy zostanie wysłane {title}? Proszę o szybką odpowiedź."),),
    "pt": (("Onde está a encomenda?", "Bom dia, quando chega {title}? Não recebi o número de seguimento."),),
    "ja": (("配送状況について", "{title}を注文しましたが、いつ届きますか。よろしくお願いします。"),),
    "zh": (("什么时候发货？", "你好，我买的 {title} 什么时候可以发货？请尽快，谢谢😊"),),
    "ru": (("Где мой заказ?", "Здравствуйте! Когда отправите {title}? Ещё нет номера для отслеживания."),),
    "ar": (("أين طلبي؟", "مرحبا، متى سيصل {title}؟ شكرا لكم"),),
}
OTHER_LANGUAGES = ("zh", "ru", "ja", "ar", "pl")

NOTES = (
    "Please leave with neighbour at no. 7",
    "It's a gift 🎁 – no invoice in the parcel, please",
    "Bitte nicht knicken!",
    "Sonner à l'interphone « Rémy & Cie »",
    "请发货前联系我，谢谢",
    "不要放快递柜",
    "Please ring bell twice; beware of the dog <grin>",
)


def question(source: Random, country: str, title: str) -> tuple[str, str, str]:
    """(language, subject, body): mostly in the language of ``country``, sometimes in quite another one."""
    language = LANGUAGE_OF.get(country, "en")
    if source.random() < 0.15:
        language = source.choice(OTHER_LANGUAGES)
    subject, body = source.choice(QUESTIONS[language])
    return language, subject, body.format(title=title)
