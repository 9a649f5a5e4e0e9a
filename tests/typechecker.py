"""What checks the annotations of the package while the tests run: beartype, with int as a float."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
