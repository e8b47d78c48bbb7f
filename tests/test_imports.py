import ast
from pathlib import Path

import classifier

# design.md: imports run one way. A module may import those of its own and of earlier layers.
LAYERS = [
    {"errors", "resources", "tables", "pages", "entries", "flat"},
    {"domains", "text", "encoding", "finance", "regions", "fonts", "identifiers"},
    {"labels", "xlsx_child", "augment", "names"},
    {"records"},
    {"outputs", "artifact", "kernel"},
    {"weighting", "trie", "machine"},
    {"automaton"},
    {"model", "scoring"},
    {"evaluate", "parts", "doctor", "trace"},
    {"batch", "precedents"},
    {"correction"},
    {"study"},
    {"numerals", "canvas"},
    {"listed", "unlisted", "quantities"},
    {"aggregate", "sources", "printed", "tidy"},
    {"sensitivity", "consistency", "agreement", "suspects", "evidence"},
    {"schema"},
    {"chain"},
    {"ledger", "labelled"},
    {"survey", "plots", "pictures", "track", "disputes", "impact", "drift", "decided", "reading"},
    {"findings", "comparison"},
    {"charts"},
    {"report"},
    {"spark"},
    {"commands"},
]


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("classifier"):
            if node.module == "classifier":
                yield from (alias.name for alias in node.names if not alias.name.startswith("__"))
            else:
                yield node.module.split(".")[1]


def test_imports_run_one_way():
    level = {name: index for index, names in enumerate(LAYERS) for name in names}
    folder = Path(classifier.__file__).parent
    for path in folder.rglob("*.py"):
        module = path.relative_to(folder).parts[0].removesuffix(".py")
        if module == "__init__":
            continue
        later = [name for name in imported(path) if level[name] > level[module]]
        assert not later, f"{path.name} imports {later} of a later layer"
