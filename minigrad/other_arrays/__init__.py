"""Arrays of other libraries in Tensors: how they are known, what is lazy, draws in chunks.

`foreign` tells one kind of array from another, by NumPy's protocols; `lazy` makes a Tensor a Dask collection;
`chunked` draws random numbers chunk by chunk, `indexing` takes and adds elements, `whole` calls functions of
whole vectors and matrices.
"""
