"""The errors that a person can mend: each names where, what was found, what was expected and what to do."""


class ClassifierError(Exception):
    """A known problem, told in one line; the command line prints it and exits with 1."""


class InputError(ClassifierError):
    """An input file, or a part of one, cannot be read as a list of companies."""


class OutputError(ClassifierError):
    """A result cannot be written where it was asked for."""


class SchemeError(ClassifierError):
    """A classification scheme, or labelled data that should follow one, is not well formed."""


class ArtifactError(ClassifierError):
    """A trained model on disk is damaged, foreign or of another format."""


class FontError(ClassifierError):
    """A font cannot be read, or lacks a character that a figure shows."""


class LedgerError(ClassifierError):
    """A ledger cannot be opened, or refuses what is to be appended."""
