"""The notebooks and the page of labs are what the builder makes of the scripts."""

import nbformat
import pytest

from labs_build import building, lab, notebook, places, project, readme, stamps

LABS = lab.scripts()


@pytest.mark.parametrize("script", LABS, ids=lambda path: path.stem)
@pytest.mark.parametrize("language", lab.LANGUAGES)
def test_notebook_has_the_sources_of_its_script(script, language):
    built = nbformat.read(project.ROOT / places.notebook(script.stem, language), 4)
    stamp = stamps.from_metadata(built.metadata)
    made = notebook.make(lab.load(script), language, stamp=stamp)
    assert notebook.sources(built) == notebook.sources(made), "run: make labs-text"


@pytest.mark.parametrize("script", LABS, ids=lambda path: path.stem)
@pytest.mark.parametrize("language", lab.LANGUAGES)
def test_playground_has_the_sources_of_its_script(script, language):
    place = places.notebook(script.stem, language, is_playground=True)
    built = nbformat.read(project.ROOT / place, 4)
    made = notebook.make(lab.load(script), language, is_playground=True)
    assert notebook.sources(built) == notebook.sources(made), "run: make labs-text"


@pytest.mark.parametrize("script", LABS, ids=lambda path: path.stem)
@pytest.mark.parametrize("language", lab.LANGUAGES)
def test_outputs_are_those_of_a_whole_run(script, language):
    path = project.ROOT / places.notebook(script.stem, language)
    built = nbformat.read(path, 4)
    stamp = stamps.from_metadata(built.metadata)
    assert stamp is not None, "run: make labs"
    assert stamp.date in built.cells[0].source
    assert stamp.device in built.cells[0].source
    printed = "".join(one.text for one in built.cells[-1].outputs)
    assert printed.splitlines()[-1] == "all checks passed"
    assert path.stat().st_size <= building.MAX_BYTES


def test_no_notebook_is_without_a_script():
    found = {
        str(path.relative_to(project.ROOT)) for path in lab.FOLDER.rglob("*.ipynb")
    }
    wanted = {
        places.notebook(script.stem, language, is_playground)
        for script in LABS
        for language in lab.LANGUAGES
        for is_playground in (False, True)
    }
    assert found == wanted


def test_page_of_labs_is_up_to_date():
    assert readme.PATH.read_text("utf-8") == readme.text(), "run: make labs-text"
