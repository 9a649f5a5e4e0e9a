"""SQL text to tokens.

Like the official `tokenize` of Spider: a string is one token with its quotes, single quotes count
as double ones, everything else is lower-cased, and "! =" is "!=". A run of other characters is one
token, so that "T1.name", "-1" and "a+b" are. Unlike there (NLTK splits words) a comparison and a
comma need no blanks around them: "a>=1" is three tokens.
"""

import re

_TOKEN = re.compile(r"""(?P<string>"[^"]*")|[!<>]\s*=|[=<>!(),;]|[^\s"=<>!(),;]+""")


def tokenize(text: str) -> list[str]:
    """Returns the tokens of a query.

    >>> tokenize("SELECT Name FROM singer WHERE Name != 'Ann Lee';")
    ['select', 'name', 'from', 'singer', 'where', 'name', '!=', '"Ann Lee"', ';']

    Raises:
        ValueError: a quote is never closed.
    """
    text = text.replace("'", '"')
    if text.count('"') % 2:
        raise ValueError("a quote is never closed")
    tokens = []
    for found in _TOKEN.finditer(text):
        is_string = found["string"] is not None
        tokens.append(found[0] if is_string else "".join(found[0].split()).lower())
    return tokens


def normalise_sql(text: str) -> str:
    """Returns a query as an exact match of strings compares it.

    The tokens with one blank between them, without the semicolons that end the query: case outside
    strings, blanks, line ends and the kind of quote do not count. Aliases do, and so does the order
    of columns and conditions.

    >>> normalise_sql("SELECT COUNT( a.B )  FROM a WHERE a.B = 'New York' ;")
    'select count ( a.b ) from a where a.b = "New York"'

    Raises:
        ValueError: a quote is never closed.
    """
    tokens = tokenize(text)
    while tokens and tokens[-1] == ";":
        tokens.pop()
    return " ".join(tokens)
