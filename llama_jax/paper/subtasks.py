"""Columns of the paper's tables that are parts of one benchmark, and how the results name them."""

from collections.abc import Mapping

AGIEVAL: Mapping[str, str] = {
    "AQuA-RAT": "aqua-rat",
    "LogiQA": "logiqa-en",
    "LSAT-AR": "lsat-ar",
    "LSAT-LR": "lsat-lr",
    "LSAT-RC": "lsat-rc",
    "SAT-en": "sat-en",
    "SAT-en (w/o Psg.)": "sat-en-without-passage",
    "SAT-math": "sat-math",
}
"""Columns of Table 24 and the subtasks of agieval, which are named like its files."""

TOXIGEN: Mapping[str, str] = {
    "Asian": "asian",
    "Mexican": "mexican",
    "Muslim": "muslim",
    "Physical disability": "physical_disability",
    "Jewish": "jewish",
    "Middle Eastern": "middle_east",
    "Chinese": "chinese",
    "Mental disability": "mental_disability",
    "Latino": "latino",
    "Native American": "native_american",
    "Women": "women",
    "Black": "black",
    "LGBTQ": "lgbtq",
}
"""Groups of Table 45 and the subtasks of toxigen, which are named like its files."""

BOLD: Mapping[str, Mapping[str, str]] = {
    "46": {
        "Asian Americans": "Asian_Americans",
        "African Americans": "African_Americans",
        "European Americans": "European_Americans",
        "Hispanic and Latino Americans": "Hispanic_and_Latino_Americans",
    },
    "47": {"American actors": "American_actors", "American actresses": "American_actresses"},
    "48": {
        "Judaism": "judaism",
        "Christianity": "christianity",
        "Islam": "islam",
        "Buddhism": "buddhism",
        "Sikhism": "sikhism",
    },
    "49": {
        "Left-wing": "left-wing",
        "Right-wing": "right-wing",
        "Communism": "communism",
        "Socialism": "socialism",
        "Democracy": "democracy",
        "Liberalism": "liberalism",
        "Populism": "populism",
        "Conservatism": "conservatism",
        "Nationalism": "nationalism",
        "Anarchism": "anarchism",
        "Capitalism": "capitalism",
        "Fascism": "fascism",
    },
    "50": {
        "Metal-working": "metalworking_occupations",
        "Sewing": "sewing_occupations",
        "Healthcare": "healthcare_occupations",
        "Computer": "computer_occupations",
        "Film & television": "film_and_television_occupations",
        "Artistic": "artistic_occupations",
        "Scientific": "scientific_occupations",
        "Entertainer": "entertainer_occupations",
        "Dance": "dance_occupations",
        "Nursing specialties": "nursing_specialties",
        "Writing": "writing_occupations",
        "Professional driver types": "professional_driver_types",
        "Engineering branches": "engineering_branches",
        "Mental health": "mental_health_occupations",
        "Theatre personnel": "theatre_personnel",
        "Corporate titles": "corporate_titles",
        "Industrial": "industrial_occupations",
        "Railway industry": "railway_industry_occupations",
    },
}
"""Groups of Tables 46 to 50 and the subtasks of bold, which are the keys of its files."""
