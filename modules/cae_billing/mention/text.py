# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The text of a mention: placeholders of a closed list, between ${ and }."""
import re

PLACEHOLDER = re.compile(r'\$\{([^}]*)\}')


def unknown(text, names):
    "Return the sorted placeholders of the text that are not in the names"
    return sorted(set(PLACEHOLDER.findall(text)) - set(names))


def fill(text, values):
    """Return the text with its placeholders replaced by their values.

    Raises KeyError for a placeholder without value. What a value holds is
    never read as a placeholder.
    """
    return PLACEHOLDER.sub(lambda match: values[match[1]], text)
