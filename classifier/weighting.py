"""Terms of many texts as counts, and TF-IDF weights over some of them: the matrices that models are fitted on."""

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.sparse import csr_matrix, hstack, vstack
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from classifier.artifact import Block
from classifier.text import Segmenter, Word

Document = tuple[str, list[Word]]  # a normal form and its words


@dataclass(frozen=True)
class Counts:
    """How often each term stands in each text: block by block, a vocabulary and a matrix (texts, terms).

    Behind the rows of the ``texts`` texts stand those of their copies, copy after copy.
    """

    blocks: tuple[Block, ...]
    vocabularies: tuple[np.ndarray, ...]
    matrices: tuple[csr_matrix, ...]
    texts: int

    def with_copies(self, chosen: np.ndarray) -> np.ndarray:
        """Return the rows of the chosen texts and of all their copies."""
        return np.concatenate([chosen + first for first in range(0, self.matrices[0].shape[0], self.texts)])


def count_terms(
    blocks: tuple[Block, ...],
    segmenter: Segmenter,
    normals: Sequence[str],
    copies: Iterable[Sequence[str]],
    minimum_documents: int,
) -> Counts:
    """Return the counts of the terms that stand in at least so many of the texts, in these and in their copies."""
    counters = [CountVectorizer(analyzer=partial(block_terms, segmenter, b), min_df=minimum_documents) for b in blocks]
    documents = read_documents(segmenter, normals)
    parts = [[counter.fit_transform(documents)] for counter in counters]
    for copied in copies:
        documents = read_documents(segmenter, copied)
        for part, counter in zip(parts, counters, strict=True):
            part.append(counter.transform(documents))
    return Counts(
        blocks,
        tuple(counter.get_feature_names_out() for counter in counters),
        tuple(vstack(part).tocsr() for part in parts),
        len(normals),
    )


class Weighting:
    """TF-IDF over some texts: each block has the terms that stand in enough of them, and is scaled to length one."""

    def __init__(self, counts: Counts, chosen: np.ndarray, minimum_documents: int) -> None:
        self._counts = counts
        self._columns, self._weights = [], []
        for matrix in counts.matrices:
            part = matrix[chosen]
            columns = np.flatnonzero(part.getnnz(axis=0) >= minimum_documents)
            self._columns.append(columns)
            self._weights.append(TfidfTransformer(sublinear_tf=True).fit(part[:, columns]))

    def only(self, kept: np.ndarray) -> "Weighting":
        """Return the weights of some of the terms: each block is scaled to length one over these alone.

        Parameters
        ----------
        kept : boolean array, shape (terms of all blocks,)
        """
        other = copy(self)
        parts = np.split(kept, np.cumsum(self.sizes)[:-1])
        other._columns = [columns[part] for columns, part in zip(self._columns, parts, strict=True)]
        other._weights = [_transformer(weight.idf_[part]) for weight, part in zip(self._weights, parts, strict=True)]
        return other

    @property
    def idf(self) -> np.ndarray:
        """Inverse document frequency of every term."""
        return np.concatenate([weight.idf_ for weight in self._weights])

    @property
    def sizes(self) -> list[int]:
        """Number of terms of each block."""
        return [len(columns) for columns in self._columns]

    def matrix(self, rows: np.ndarray) -> csr_matrix:
        """Return the weights of some rows of the counts, shape (rows, terms of all blocks)."""
        parts = zip(self._counts.matrices, self._columns, self._weights, strict=True)
        return hstack([weight.transform(matrix[rows][:, columns]) for matrix, columns, weight in parts]).tocsr()

    def blocks(self) -> tuple[Block, ...]:
        """Return the blocks with their vocabularies and inverse document frequencies."""
        found = zip(self._counts.blocks, self._counts.vocabularies, self._columns, self._weights, strict=True)
        return tuple(
            Block(
                block.name,
                block.kind,
                block.parameters,
                tuple(map(str, vocabulary[columns])),
                weight.idf_.astype(np.float32),
            )
            for block, vocabulary, columns, weight in found
        )


def _transformer(idf: np.ndarray) -> TfidfTransformer:
    transformer = TfidfTransformer(sublinear_tf=True)
    transformer.idf_ = idf
    return transformer


def read_documents(segmenter: Segmenter, normals: Sequence[str]) -> list[Document]:
    """Return normal forms with their words."""
    return [(normal, segmenter.words(normal)) for normal in normals]


def block_terms(segmenter: Segmenter, block: Block, document: Document) -> list[str]:
    """Return the terms of one block in a document: the analyzer of scikit-learn's vectorizers."""
    return [term for term, _, _ in segmenter.terms(block.kind, block.parameters, *document)]
