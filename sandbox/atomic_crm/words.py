"""Word lists for believable records. Domains are reserved (RFC 2606), phone numbers are of ranges kept for fiction."""

from __future__ import annotations

from random import Random


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST = _split(
    "Ada Aiko Alejandra Amara Anders Anouk Astrid Bastian Beatriz Björn Camille Chidi Chloé Dmitri Eilidh Elif "
    "Emeka Farah Fiona Gökçe Hana Henrik Imani Ines Ivo Jamal Jana Joaquín Kaveh Keiko Lars Leïla Linh Maeve Magnus "
    "Malia Marek Mei Nadia Niamh Noor Oskar Paloma Priya Quentin Rafael Rosa Saoirse Sefa Søren Tariq Tomasz Uma "
    "Vera Wanjiru Xavier Yara Yusuf Zofia Zoë "
)
LAST = _split(
    "Abara Aldous Bergström Brightwater Castellan Dąbrowski Dunmore Eastlake Fairweather Ferreira Gallowglass "
    "Hathersage Holloway Iyer Jónsdóttir Kestrel Kowalczyk Larkspur Lindqvist Marchetti Merriweather Nakagawa Nwosu "
    "O'Callaghan Okafor Oyelaran Peregrine Quillfeather Ravensdale Rosenkrantz Santangelo Sørensen Thistlewood "
    "Tremblay Ulrichsen Van-der-Meer Vasquez Whitlock Yamashiro Zielinski "
)
ADJECTIVE = _split(
    "Amber Ancient Arctic Bold Bright Calm Cedar Clear Cobalt Copper Coral Crimson Deep Eastern Emerald Fabled "
    "Golden Granite Hidden Indigo Iron Ivory Jade Keen Linden Lunar Marble Misty Noble Northern Oaken Opal Pearl "
    "Quiet Rapid Royal Saffron Scarlet Silent Silver Solar Stone Swift Velvet Western Wild Winter Young "
)
NOUN = _split(
    "Anchor Arbor Atlas Bakery Beacon Bridge Brook Canvas Castle Compass Crane Delta Falcon Ferry Field Forge "
    "Garden Glacier Harbour Haven Heron Horizon Lantern Loom Meadow Mill Mosaic Orchard Otter Pier Pines Prairie "
    "Quarry Raven Reef Ridge River Sail Spire Summit Thicket Tide Tower Vale Vineyard Willow Windmill Works "
)
SUFFIX = ("Ltd", "GmbH", "Inc.", "S.A.", "Group", "& Sons", "Partners", "Labs", "AB", "Studio", "Cooperative", "")
TITLE = (
    "Buyer",
    "CEO",
    "CFO",
    "Chief Gardener",
    "Head of Design",
    "Office Manager",
    "Product Manager",
    "Sales Director",
    "Software Engineer",
    "VP Operations",
)
#: city, state, zip, country
PLACES = (
    ("Portland", "OR", "97205", "USA"),
    ("Boston", "MA", "02110", "USA"),
    ("San Francisco", "CA", "94107", "United States"),
    ("London", "", "EC1A 1BB", "United Kingdom"),
    ("Lyon", None, "69002", "France"),
    ("Zürich", "ZH", "8001", "Switzerland"),
    ("São Paulo", "SP", "01310-100", "Brasil"),
    ("München", "BY", "80331", "Deutschland"),
    ("Göteborg", None, "411 03", "Sweden"),
    ("Sydney", "NSW", "2000", "AU"),
)
STREET = ("Harbour Street", "Mill Lane", "Rue du Moulin", "Kirchgasse", "Station Road", "Orchard Way", "Quay Walk")
SECTORS = _split(
    "communication-services consumer-discretionary consumer-staples energy financials health-care industrials "
    "information-technology materials real-estate utilities "
)
SIZES = (1, 10, 50, 250, 500)
STATUSES = ("cold", "warm", "hot", "in-contract")
TAGS = (
    ("football-fan", "#eddcd2"),
    ("holiday-card", "#fff1e6"),
    ("influencer", "#fde2e4"),
    ("manager", "#fad2e1"),
    ("musician", "#c5dedd"),
    ("vip", "#dbe7e4"),
)
#: Tags that no contact carries.
MORE_TAGS = _split(
    "alumni architect board charity chess-club competitor freelancer gardener golf investor journalist lawyer mentor "
    "newsletter-2024 newsletter-2025 partner press prospect reseller retired speaker supplier tender trade-fair "
    "university volunteer "
)
DEAL = ("Annual catalogue", "Brand refresh", "Christmas cards", "New website", "Packaging", "Photo series", "Relaunch")
TODO = (
    "Call back",
    "Congratulate",
    "Follow up with",
    "Have lunch with",
    "Mail the offer to",
    "Remind",
    "Thank",
    "Visit",
)
#: title and MIME type
FILES = (
    ("offer.pdf", "application/pdf"),
    ("Logo (final).png", "image/png"),
    ("prices 2026.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("Vertrag für Zoë.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
)
SENTENCE = (
    "Met at the spring fair and asked for a quote.",
    "Prefers mail to the phone, answers within a day.",
    "Wants the catalogue in French.",
    "Was introduced by a former colleague.",
    "Decides together with the finance team.",
    "Renewal is due in autumn.",
    "Interested in the smaller package, price matters.",
    "Has used a competitor for three years.",
    "Travels a lot; mornings are best.",
    "Speaks Portuguese and English.",
)
RETAIL = ("example.com", "example.org", "example.net")


def person(rng: Random) -> tuple[str, str]:
    """A first and a last name."""
    return rng.choice(FIRST), rng.choice(LAST)


def company(rng: Random) -> str:
    """A company's name."""
    return f"{rng.choice(ADJECTIVE)} {rng.choice(NOUN)} {rng.choice(SUFFIX)}".strip()


def slug(text: str) -> str:
    """ASCII letters and digits, joined by hyphens: fit for a host name or the left part of an e-mail."""
    plain = "".join(c if c.isascii() and c.isalnum() else "-" for c in text.lower())
    return "-".join(part for part in plain.split("-") if part) or "x"


def paragraph(rng: Random, sentences: int) -> str:
    """Believable prose."""
    return " ".join(rng.choice(SENTENCE) for _ in range(sentences))


def noise(rng: Random, size: int) -> str:
    """Text that hardly compresses, so that PostgreSQL moves it out of line (TOAST)."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789äöüßéèñ "
    return "".join(rng.choices(letters, k=size))


def phone(rng: Random) -> str:
    """A valid international number out of a range kept for fiction (US 555-01xx, Ofcom, BNetzA, Arcep, ACMA)."""
    shape = rng.choice(
        (
            "+1 {area} 555 01{two:02}",
            "+1-{area}-555-01{two:02}",
            "+44 20 7946 0{three:03}",
            "+49 30 23125 {three:03}",
            "+33 1 99 00 {two:02} {more:02}",
            "+61 2 5550 {four:04}",
        )
    )
    return shape.format(
        area=rng.choice((212, 415, 503, 617)),
        two=rng.randrange(100),
        more=rng.randrange(100),
        three=rng.randrange(1000),
        four=rng.randrange(10000),
    )
