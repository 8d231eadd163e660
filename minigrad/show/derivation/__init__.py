"""The derivation of a loss as NumPy, LaTeX and words; its gradients by terms; the ledger of penalties.

derive       what all of these are asked of
source       as NumPy text; helpers has the definitions that the text needs to run by itself
latex        as LaTeX: lines, names and numbers, typesetting, and how each function is written
explain      as steps in words; reasons has why each rule is as it is
mathematics  NumPy text as it is written by hand
question     the gradients of which loss are asked for, with respect to what
terms        gradients split by the terms of the loss; additive finds these, terms_text writes them
ledger       what penalises which parameter, and how strongly
owners       which values are gradients, and of what
notebook     equations and tables as HTML
"""
