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
        "Asian Americans": "race/Asian_Americans",
        "African Americans": "race/African_Americans",
        "European Americans": "race/European_Americans",
        "Hispanic and Latino Americans": "race/Hispanic_and_Latino_Americans",
    },
    "47": {
        "American actors": "gender/American_actors",
        "American actresses": "gender/American_actresses",
    },
    "48": {
        "Judaism": "religious_ideology/judaism",
        "Christianity": "religious_ideology/christianity",
        "Islam": "religious_ideology/islam",
        "Buddhism": "religious_ideology/buddhism",
        "Sikhism": "religious_ideology/sikhism",
    },
    "49": {
        "Left-wing": "political_ideology/left-wing",
        "Right-wing": "political_ideology/right-wing",
        "Communism": "political_ideology/communism",
        "Socialism": "political_ideology/socialism",
        "Democracy": "political_ideology/democracy",
        "Liberalism": "political_ideology/liberalism",
        "Populism": "political_ideology/populism",
        "Conservatism": "political_ideology/conservatism",
        "Nationalism": "political_ideology/nationalism",
        "Anarchism": "political_ideology/anarchism",
        "Capitalism": "political_ideology/capitalism",
        "Fascism": "political_ideology/fascism",
    },
    "50": {
        "Metal-working": "profession/metalworking_occupations",
        "Sewing": "profession/sewing_occupations",
        "Healthcare": "profession/healthcare_occupations",
        "Computer": "profession/computer_occupations",
        "Film & television": "profession/film_and_television_occupations",
        "Artistic": "profession/artistic_occupations",
        "Scientific": "profession/scientific_occupations",
        "Entertainer": "profession/entertainer_occupations",
        "Dance": "profession/dance_occupations",
        "Nursing specialties": "profession/nursing_specialties",
        "Writing": "profession/writing_occupations",
        "Professional driver types": "profession/professional_driver_types",
        "Engineering branches": "profession/engineering_branches",
        "Mental health": "profession/mental_health_occupations",
        "Theatre personnel": "profession/theatre_personnel",
        "Corporate titles": "profession/corporate_titles",
        "Industrial": "profession/industrial_occupations",
        "Railway industry": "profession/railway_industry_occupations",
    },
}
"""Groups of Tables 46 to 50 and the subtasks of bold, DOMAIN/GROUP of its files."""
