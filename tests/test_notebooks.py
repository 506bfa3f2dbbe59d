"""The notebooks are stored as they should be, and run from top to bottom."""

import re

import nbformat
import pytest
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError

from tests.children import PATIENCE
from tests.sources import ROOT, assert_none
from tests.test_house import unwanted_words

pytestmark = pytest.mark.any_cpu

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
WHERE = "import fastmlp\nprint(fastmlp.__file__)"  # run after a notebook's own cells
each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def execute(notebook, folder, timeout=PATIENCE):
    """Run a notebook in that folder with the interpreter of the tests; return it with its outputs, or raise the error of a cell."""
    specs = KernelSpecManager(kernel_dirs=[])  # no installed kernel: "python3" is then this interpreter's own
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=specs)
    resources = {"metadata": {"path": str(folder)}}
    return NotebookClient(notebook, km=manager, timeout=timeout, resources=resources).execute()


def written_by(cell):
    """What a code cell printed."""
    return "".join(output["text"] for output in cell.outputs if output.output_type == "stream" and output.name == "stdout")


def of_code(*sources):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A folder to run a notebook in, where everything that Jupyter writes goes too."""
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.delenv("MPLBACKEND", raising=False)  # pictures appear in the notebook
    monkeypatch.setenv("FASTMLP_NOTEBOOKS", "small")
    (tmp_path / "cwd").mkdir()
    return tmp_path / "cwd"


def test_there_are_three():
    assert [path.stem for path in NOTEBOOKS] == ["01_xor_three_gradients", "02_neuron_to_mnist", "03_relu_sigmoid_deep_backprop"]


@each
def test_format(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata == {"kernelspec": KERNEL}


@each
def test_stored_without_outputs(path):
    for cell in read(path).cells:
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None), cell.id


@each
def test_cell_ids_are_names(path):
    """Names stay when a notebook is edited, and a link to a cell can be read."""
    names = [cell.id for cell in read(path).cells]
    assert len(set(names)) == len(names)
    assert_none([name for name in names if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) or re.fullmatch(r"[0-9a-f]{8}", name)])


@each
def test_explained_before_the_first_code(path):
    kinds = [cell.cell_type for cell in read(path).cells]
    title, _, text = "\n".join(cell.source for cell in read(path).cells[: kinds.index("code")]).partition("\n")
    assert re.fullmatch(r"# \S.*", title)
    assert len(text.split()) >= 40


@each
def test_says_nothing_unwanted(path):
    """No machine's path, and the other words that `test_house` looks for."""
    assert_none(unwanted_words({f"{path.name}, cell {cell.id}": cell.source for cell in read(path).cells}))


@each
@pytest.mark.slow
def test_runs(path, elsewhere):
    notebook = read(path)
    notebook.cells.append(nbformat.v4.new_code_cell(WHERE))
    executed = execute(notebook, elsewhere)
    assert written_by(executed.cells[-1]).strip() == str(ROOT / "fastmlp" / "__init__.py")
    assert not [output for cell in executed.cells if cell.cell_type == "code" for output in cell.outputs if output.get("name") == "stderr"]
    assert not list(elsewhere.iterdir())


# The runner itself: a notebook that fails is seen to.


@pytest.mark.slow
def test_a_failing_cell_is_shown(elsewhere):
    with pytest.raises(CellExecutionError, match=r"(?s)half = 1 / 0.*ZeroDivisionError"):
        execute(of_code("whole = 1", "half = 1 / 0", "open('reached', 'w')"), elsewhere)
    assert not list(elsewhere.iterdir())


@pytest.mark.slow
def test_a_cell_that_hangs_is_ended(elsewhere):
    with pytest.raises(CellTimeoutError, match="sleep"):
        execute(of_code("import time\ntime.sleep(1000)"), elsewhere, timeout=3)
