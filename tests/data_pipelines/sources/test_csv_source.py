"""Tables of paths and labels: what was written is read, and mistakes have a line."""

import csv

import pytest
from drawings import draw, encode
from hypothesis import given
from hypothesis import strategies as st

from data_pipelines.errors import DataError
from data_pipelines.sources.csv_source import from_csv

# Any names that a file can have, with what CSV has to quote. Not carriage returns,
# which the csv module writes without quotes where lines end otherwise.
WORDS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r/"),
    min_size=1,
    max_size=12,
)
PATHS = st.lists(WORDS, min_size=1, max_size=3).map("/".join)


def is_plain(path):
    return path.strip() and not {*path.split("/")} & {".", ".."}


ROWS = st.lists(
    st.tuples(PATHS.filter(is_plain), WORDS.map(str.strip).filter(bool)),
    min_size=2,
    max_size=8,
    unique_by=lambda row: row[0],
).filter(lambda rows: len({label for _, label in rows}) > 1)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


@given(
    rows=ROWS,
    delimiter=st.sampled_from(",;\t"),
    line_end=st.sampled_from(["\n", "\r\n"]),
    mark=st.sampled_from(["", "\ufeff"]),
)
def test_what_the_csv_module_writes_is_read(
    rows, delimiter, line_end, mark, tmp_path_factory
):
    path = tmp_path_factory.getbasetemp() / "written.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(mark)
        writer = csv.writer(file, delimiter=delimiter, lineterminator=line_end)
        writer.writerows([("path", "label"), *rows])
    try:
        source = from_csv(path)
    except DataError as error:
        assert "are the same number" in str(error)  # such as 1 and 01
        return
    found = [
        (example.name, source.class_names[example.label]) for example in source.examples
    ]
    assert found == rows
    assert set(source.class_names) == {label for _, label in rows}


def test_images_are_found_below_the_table_or_where_the_caller_says(tmp_path):
    data = encode(draw(0), "PNG")
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "x.png").write_bytes(data)
    (tmp_path / "images" / "y.png").write_bytes(data)
    rows = "Filename ,Class\nimages/../images/x.png, tulips\n./images/y.png,daisy\n"
    table = write(tmp_path / "labels.csv", rows)
    source = from_csv(table)
    assert source.class_names == ("daisy", "tulips")
    assert [example.name for example in source.examples] == [
        "images/x.png",
        "images/y.png",
    ]
    assert all(example.read() == data for example in source.examples)
    absolute = f"file,label\n{tmp_path / 'images' / 'x.png'},a\ny.png,b\n"
    table = write(tmp_path / "tables" / "labels.csv", absolute)
    source = from_csv(table, image_root=tmp_path / "images")
    assert all(example.read() == data for example in source.examples)
    missing = from_csv(table).examples[1]
    with pytest.raises(DataError, match=r"labels\.csv, line 3: 'y\.png': .*No such"):
        missing.read()


def test_numbers_are_sorted_as_numbers_and_names_as_names(tmp_path):
    table = tmp_path / "labels.csv"
    for labels, expected in (
        (("10", "9", "-1", "2.5"), ("-1", "2.5", "9", "10")),
        (("10", "9", "b", "B"), ("10", "9", "B", "b")),
    ):
        rows = [f"{index}.png,{label}" for index, label in enumerate(labels)]
        write(table, "\n".join(["path,label", *rows, ""]))
        assert from_csv(table).class_names == expected


def test_a_split_column_is_kept(tmp_path):
    table = tmp_path / "labels.csv"
    write(table, "path;label;split\na;x;train\nb;y;Testing\nc;x;val\n")
    splits = [example.split for example in from_csv(table).examples]
    assert splits == ["train", "test", "validation"]
    write(table, "path;label;split\na;x;\nb;y;\n")
    assert [example.split for example in from_csv(table).examples] == [None, None]


def test_the_fingerprint_follows_rows_and_images(tmp_path):
    (tmp_path / "a").write_bytes(b"one")
    table = write(tmp_path / "labels.csv", "path,label\na,x\nb,y\n")
    first = from_csv(table).fingerprint
    assert from_csv(write(tmp_path / "again.csv", table.read_text())).fingerprint == (
        first
    )
    write(table, "path,label\na,y\nb,x\n")
    swapped = from_csv(table).fingerprint
    write(table, "path,label\na,x\nb,y\n")
    (tmp_path / "a").write_bytes(b"another")
    assert len({first, swapped, from_csv(table).fingerprint}) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: no column path or image"),
        ("a.jpg,daisy\nb.jpg,rose\n", r"line 1: no column path .*names \['a.jpg'"),
        ("path,kind\na,b\n", "line 1: no column label or class_name or class"),
        ("path,label\n", "no rows"),
        ("path,label\na,x\nb,x\n", "only one label, 'x'"),
        ("path,label\na,x\n\n ,y\n", "line 4: the path is empty"),
        ("path,label\na,x\nb, \n", "line 3: the label is empty"),
        ("path,label\na,x\nb\n", "line 3: 1 columns, not 2"),
        ("path,label\na,x,z\nb,y\n", "line 2: 3 columns, not 2"),
        ("path,label\na,x\n../b,y\n", r"line 3: '\.\./b' is no file below"),
        ("path,label\na,x\nc/../../b,y\n", "line 3: .* is no file below"),
        ("path,label\na,x\n.,y\n", "line 3: '.' is no file below"),
        ("path,label\na,x\n./a,y\n", "line 3: 'a' was already on line 2"),
        ("path,label\na,1\nb,01\n", "labels '01' and '1' are the same number"),
        ("path,label,split\na,x,train\nb,y,holdout\n", "line 3: split 'holdout'; must"),
        (
            "path,label,split\na,x,train\nb,y,\n",
            "line 3: the split is empty, and train",
        ),
        ('path,label\na,x\n"b,y\n', "line 3: unexpected end of data"),
        (f"path,label\na,{'x' * 200_000}\n", "line 2: field larger"),
    ],
)
def test_mistakes_name_the_file_and_the_line(tmp_path, text, message):
    table = write(tmp_path / "labels.csv", text)
    with pytest.raises(DataError, match=message) as caught:
        from_csv(table)
    assert str(caught.value).startswith(str(table))
    assert "\n" not in str(caught.value)


def test_what_is_no_table_is_one_line(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        from_csv(tmp_path / "absent.csv")
    with pytest.raises(DataError, match="not a regular file"):
        from_csv(tmp_path)
    (tmp_path / "photo.csv").write_bytes(encode(draw(0), "JPEG"))
    with pytest.raises(DataError, match="not UTF-8"):
        from_csv(tmp_path / "photo.csv")


@given(data=st.binary(max_size=200))
def test_any_bytes_give_a_source_or_one_line(data, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "junk.csv"
    path.write_bytes(b"path,label\n" + data)
    try:
        source = from_csv(path)
    except DataError as error:
        assert "\n" not in str(error)
    else:
        assert len(source.class_names) >= 2
