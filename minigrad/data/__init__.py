"""Small data sets, a user's own file, and mini-batches: plain NumPy arrays in and out.

dataset.py    Dataset: examples to train on, a dev set, and their names
football.py   side_of_the_field, drawn by minigrad itself
standard.py   breast_cancer and digits, which come with scikit-learn
file.py       load: a user's .csv, .npz or .mat (table.py reads the first, arrays.py the others)
split.py      which rows are held out, and what standardizing may look at
batch.py      batches: an epoch of shuffled mini-batches
"""

from minigrad.data.batch import batches
from minigrad.data.dataset import Dataset
from minigrad.data.file import load
from minigrad.data.football import side_of_the_field
from minigrad.data.standard import breast_cancer, digits

__all__ = ["Dataset", "batches", "breast_cancer", "digits", "load", "side_of_the_field"]
