"""SQL of Spider: text to tokens to a query, and two queries compared component by component.

    text --tokens.tokenize--> tokens --parse.parse (schema)--> Query
      --components.comparable--> Query --components.compare (gold)--> Part for each component

Everything here is pure; what cannot be read is a ValueError that says why.
"""
