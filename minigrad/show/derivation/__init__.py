"""The derivation of a loss as NumPy, LaTeX and words; its gradients by terms; the ledger of penalties."""
