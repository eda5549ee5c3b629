"""Labels of one's own in tables and JSON: every form gives the same images and labels, or one plain sentence."""

import json
import unicodedata
from pathlib import Path

import pytest
from PIL import Image

from crt.data import DatasetReport, ImageDataset, read_labels_file, require_negatives
from crt.errors import InvalidDataset, InvalidSetting

WANTED = {"a.jpg": {"cat"}, "sub/b 1.PNG": {"cat", "dog"}, "c.tif": set(), "d.jpg": {"dog"}}


@pytest.fixture
def root(tmp_path) -> Path:
    """Four images: one in a subfolder with a blank and an upper-case extension, one without a label."""
    for name in WANTED:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 6)).save(tmp_path / name)
    return tmp_path


def labels_of(images: ImageDataset) -> dict[str, set[str]]:
    return {sample.id: {images.classes[label] for label in sample.labels} for sample in images.samples}


PAIRS = "a.jpg,cat\nsub/b 1.PNG,cat\nsub/b 1.PNG,dog\nc.tif,\nd.jpg,dog\n"
FORMS = {
    "pairs": "image,label\n" + PAIRS,
    "no header": PAIRS,
    "names of columns": "File_Name , Category\n" + PAIRS,
    "another order": "label,who,file\ncat,x,a.jpg\ncat,x,sub/b 1.PNG\ndog,x,sub/b 1.PNG\n,x,c.tif\ndog,x,d.jpg\n",
    "blanks in a cell": "image,labels\na.jpg,cat\nsub/b 1.PNG,cat dog\nc.tif,\nd.jpg,dog\n",
    "semicolons in a cell": "image,labels\na.jpg,cat\nsub/b 1.PNG,cat;dog\nc.tif,\nd.jpg,dog\n",
    "semicolons in a cell, no header": "a.jpg,cat\nsub/b 1.PNG,cat;dog\nc.tif,\nd.jpg,dog\n",
    "bars in a cell": "image,label\na.jpg,cat\nsub/b 1.PNG,cat | dog\nc.tif,\nd.jpg,dog\n",
    "commas in quotes": 'image,labels\na.jpg,cat\nsub/b 1.PNG,"cat, dog"\nc.tif,\nd.jpg,dog\n',
    "a list in quotes": "image,labels\na.jpg,['cat']\nsub/b 1.PNG,\"['cat', 'dog']\"\nc.tif,[]\nd.jpg,['dog']\n",
    "blanks between known labels": "a.jpg,cat\nsub/b 1.PNG,cat dog\nc.tif,\nd.jpg,dog\n",
    "rows of several lengths": "a.jpg,cat\nsub/b 1.PNG,cat,dog\nc.tif\nd.jpg,dog\n",
    "rows longer than the header": "image,labels\na.jpg,cat\nsub/b 1.PNG,cat,dog\nc.tif,\nd.jpg,dog\n",
    "one column per class": "image,cat,dog\na.jpg,1,0\nsub/b 1.PNG,1,1\nc.tif,0,0\nd.jpg,0,1\n",
    "one column per class, -1 and 1": "image,cat,dog\na.jpg,1,-1\nsub/b 1.PNG,1,1\nc.tif,-1,-1\nd.jpg,-1,1\n",
    "one column per class, words": "image;cat;dog\na.jpg;True;False\nsub/b 1.PNG;yes;1\nc.tif;;\nd.jpg;0;1.0\n",
    "semicolons": "image;label\n" + PAIRS.replace(",", ";"),
    "semicolons around commas": 'image;labels\na.jpg;cat\nsub/b 1.PNG;cat,dog\nc.tif;\nd.jpg;dog\n',
    "tabs": "image\tlabel\n" + PAIRS.replace(",", "\t"),
    "tabs, no header": PAIRS.replace(",", "\t"),
    "Excel's first line": "sep=;\nimage;label\n" + PAIRS.replace(",", ";"),
    "backslashes": "image,label\n" + PAIRS.replace("sub/", ".\\sub\\"),
    "blanks after commas": "image, label\n" + PAIRS.replace(",", " , "),
    "another case": "image,label\n" + PAIRS.replace("a.jpg", "A.JPG").replace("b 1.PNG", "b 1.png"),
    "no extension": "image,label\na,cat\nsub/b 1,cat\nsub/b 1,dog\nc,\nd,dog\n",
    "Windows line ends": ("image,label\n" + PAIRS).replace("\n", "\r\n"),
    "empty lines": "\nimage,label\n\n" + PAIRS + "\n\n",
    "object": json.dumps({name: sorted(labels) for name, labels in WANTED.items()}),
    "object of words": '{"a.jpg": "cat", "sub\\\\b 1.PNG": ["cat", "dog"], "c.tif": null, "d.jpg": "dog"}',
    "object of 0 and 1": json.dumps({n: {c: int(c in s) for c in ("cat", "dog")} for n, s in WANTED.items()}),
    "records": json.dumps([{"image": name, "labels": sorted(labels)} for name, labels in WANTED.items()]),
    "a record per line": "\n".join(json.dumps({"file_name": n, "tags": sorted(s)}) for n, s in WANTED.items()),
    "COCO": json.dumps({
        "images": [{"id": 10 + i, "file_name": name} for i, name in enumerate(WANTED)],
        "categories": [{"id": 3, "name": "dog"}, {"id": 1, "name": "cat"}],
        "annotations": [{"image_id": 10, "category_id": 1, "bbox": [0, 0, 2, 2]}, {"image_id": 11, "category_id": 1},
                        {"image_id": 11, "category_id": 3}, {"image_id": 13, "category_id": 3},
                        {"image_id": 13, "category_id": 3}],
    }),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_every_form_gives_the_same_images(root, form, encoding):
    (root / "labels.txt").write_bytes(FORMS[form].encode(encoding))
    images = read_labels_file(root / "labels.txt")
    assert images.classes == ("cat", "dog") and not images.single_label
    assert labels_of(images) == WANTED
    assert all(sample.image.is_file() for sample in images.samples)


def test_classes_of_ones_own_choice(root):
    (root / "l.csv").write_text("image,label\n" + PAIRS)
    images = read_labels_file(root / "l.csv", classes=["Dog"])
    assert images.classes == ("dog",) and labels_of(images)["a.jpg"] == set()
    assert len(images) == 4 and images.left_out.count(("labels of cat, which was not chosen", "a.jpg")) == 1
    for wrong in (["bird"], [], ["cat", "CAT"]):
        with pytest.raises(InvalidSetting, match="Choose classes from cat, dog"):
            read_labels_file(root / "l.csv", classes=wrong)


def test_names_with_blanks_stay_whole_where_they_are_known(root):
    (root / "l.csv").write_text("image,labels\na.jpg,traffic light\nd.jpg,traffic light;cat\n")
    assert read_labels_file(root / "l.csv").classes == ("cat", "traffic light")
    (root / "l.csv").write_text("image,label\na.jpg,traffic light\nd.jpg,cat\n")
    assert read_labels_file(root / "l.csv").classes == ("cat", "traffic light")
    (root / "l.csv").write_text("image,labels\na.jpg,traffic light\nd.jpg,cat\n")
    assert read_labels_file(root / "l.csv", classes=["traffic light"]).classes == ("traffic light",)


def test_numbers_sort_as_numbers_and_a_list_of_wsolevaluation_is_read(root):
    (root / "class_labels.txt").write_text("a.jpg,10\nsub/b 1.PNG,9\nc.tif,0\nd.jpg,10\n")
    assert read_labels_file(root / "class_labels.txt").classes == ("0", "9", "10")


@pytest.mark.parametrize("disk", ["NFC", "NFD"])
@pytest.mark.parametrize("listed", ["NFC", "NFD"])
def test_both_unicode_normal_forms_name_the_same_file(tmp_path, disk, listed):
    name = "Kätzchen café 猫.jpg"
    Image.new("RGB", (8, 6)).save(tmp_path / unicodedata.normalize(disk, name))
    row = unicodedata.normalize(listed, f"image,label\n{name},Kätzchen\n")
    (tmp_path / "l.csv").write_text(row, encoding="utf-8")
    images = read_labels_file(tmp_path / "l.csv")
    assert images.classes == (unicodedata.normalize("NFC", "Kätzchen"),) and images.samples[0].image.is_file()


def test_where_images_may_lie(root, tmp_path_factory):
    other = tmp_path_factory.mktemp("lists")
    (other / "l.csv").write_text(f"image,label\n{root}/a.jpg,cat\nC:\\Users\\me\\set\\sub\\b 1.PNG,dog\n")
    images = read_labels_file(other / "l.csv", image_root=root)
    assert labels_of(images) == {"a.jpg": {"cat"}, "sub/b 1.PNG": {"dog"}}
    (other / "l.csv").write_text(f"image,label\n../{root.name}/a.jpg,cat\n")
    assert read_labels_file(other / "l.csv").samples[0].image.samefile(root / "a.jpg")
    (other / "l.csv").write_text(f"image,label\n{root.name}/a.jpg,cat\n")
    assert labels_of(read_labels_file(other / "l.csv", image_root=root)) == {"a.jpg": {"cat"}}
    (other / "l.csv").write_text("image,label\nelsewhere/a.jpg,cat\n")
    with pytest.raises(InvalidDataset, match=r"no image \(1\): elsewhere/a.jpg"):
        read_labels_file(other / "l.csv", image_root=root)


def test_a_declared_encoding(root):
    text = "image,label\na.jpg,кошка\nd.jpg,собака\n"
    (root / "l.csv").write_bytes(text.encode("cp1251"))
    assert read_labels_file(root / "l.csv", encoding="cp1251").classes == ("кошка", "собака")
    with pytest.raises(InvalidDataset, match="not text in UTF-8 or UTF-16"):
        read_labels_file(root / "l.csv")
    with pytest.raises(InvalidDataset, match="no text encoding 'klingon'"):
        read_labels_file(root / "l.csv", encoding="klingon")


def test_rows_of_one_split(root):
    (root / "l.csv").write_text("image,label,split\na.jpg,cat,train\nd.jpg,dog,val\nc.tif,,train\n")
    assert labels_of(read_labels_file(root / "l.csv", splits=["train"])) == {"a.jpg": {"cat"}, "c.tif": set()}
    with pytest.raises(InvalidDataset, match="has the splits train, val: choose"):
        read_labels_file(root / "l.csv", splits=["train_aug"])
    (root / "l.csv").write_text("image,label,split\na.jpg,cat,train\nd.jpg,dog,train\n")
    assert set(labels_of(read_labels_file(root / "l.csv"))) == {"a.jpg", "d.jpg"}
    with pytest.raises(InvalidDataset, match="has only the split train: choose it"):
        read_labels_file(root / "l.csv", splits=["val"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("image,label\n", "has no row with an image and a label"),
        ("a.jpg\nd.jpg\n", "has no row with an image and a label"),
        ("image,label\nx.jpg,cat\ny.jpg,dog\n", r"no image \(2\): x.jpg \(line 2\), y.jpg \(line 3\)"),
        ("image,label\nx,cat\ny,dog\n", "no column with images that are there"),
        ("image,colour,shape\na.jpg,red,round\nd.jpg,blue,flat\n", r"several columns .*colour, shape"),
        ("a.jpg,1,0\nd.jpg,0,1\n", "give one with the class names"),
        ('{"a.jpg": ["cat"]', "is not JSON"),
        ('[["a.jpg", "cat"]]', "a record without an image"),
        (
            '{"images": [{"id": 1}], "categories": []}',
            r"images without id and file_name \(1\): number 1[\s\S]*The layout is COCO's",
        ),
        (
            json.dumps(
                {
                    "images": [{"id": 1, "file_name": "a.jpg"}],
                    "categories": [{"id": 1, "name": "cat"}],
                    "annotations": [{"image_id": 2, "category_id": 1}, {"image_id": 1, "category_id": 5}],
                }
            ),
            r"of no image \(1\)[\s\S]*of no category \(1\)",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(root, text, message):
    (root / "l.csv").write_text(text)
    with pytest.raises(InvalidDataset, match=message):
        read_labels_file(root / "l.csv")


def test_no_file_and_names_that_mean_several(root):
    with pytest.raises(InvalidDataset, match="There is no file"):
        read_labels_file(root / "none.csv")
    Image.new("RGB", (8, 6)).save(root / "a.png")
    (root / "l.csv").write_text("image,label\na,cat\nd.jpg,dog\n")
    with pytest.raises(InvalidDataset, match=r"several files for an image \(1\): a may mean each of a.jpg, a.png"):
        read_labels_file(root / "l.csv")


def test_the_report_and_the_refusal_of_a_class_without_negatives(root):
    (root / "l.csv").write_text("image,label\n" + PAIRS)
    images = read_labels_file(root / "l.csv")
    reported = str(DatasetReport.of(images))
    assert "Images: 4, classes: 2" in reported and "cat 2, dog 2" in reported and "kept as negatives: 1" in reported
    require_negatives(images)
    (root / "l.csv").write_text("image,label\na.jpg,cat\nd.jpg,cat\nd.jpg,dog\n")
    with pytest.raises(InvalidDataset, match=r"cat is in every image \(2\): add images without it"):
        require_negatives(read_labels_file(root / "l.csv"))


READ = {
    "numbers of classes beside their names": "filename,label,label_name\na.jpg,0,cat\nd.jpg,1,dog\n",
    "the index of a data frame": ",image,cat,dog\n5,a.jpg,1,0\n6,d.jpg,0,1\n",
    "numbers of images": "image,id,cat,dog\na.jpg,17,1,0\nd.jpg,18,0,1\n",
    "a separator at the ends of lines": "image;cat;dog;\na.jpg;1;0;\nd.jpg;0;1;\n",
    "blanks": "a.jpg cat\nd.jpg dog\n",
    "addresses": "image,label\nhttps://example.org/x/a.jpg,cat\nfile:///tmp/d.jpg,dog\n",
    "columns": '{"image": ["a.jpg", "d.jpg"], "label": ["cat", "dog"]}',
    "columns by row": '{"image": {"0": "a.jpg", "1": "d.jpg"}, "label": {"0": "cat", "1": "dog"}}',
    "a list under one key": '{"version": 1, "data": [{"image": "a.jpg", "label": "cat"}, {"file": "d", "tag": "dog"}]}',
    "images without categories": '{"images": [{"file_name": "a.jpg", "tags": ["cat"]}, {"id": "d", "tags": "dog"}]}',
    "records of 0 and 1": '[{"image": "a", "id": 1, "cat": 1, "dog": 0}, {"image": "d", "id": 0, "cat": 0, "dog": 1}]',
    "COCO with ids as text": json.dumps({
        "images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "coco_url": "https://example.org/d.jpg"}],
        "categories": [{"id": 1, "name": "cat"}, {"id": "2", "name": "dog"}],
        "annotations": [{"image_id": "1", "category_id": 1}, {"image_id": 2, "category_id": 2}],
    }),
}  # fmt: skip


@pytest.mark.parametrize("form", READ)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-be", "utf-32"])
def test_forms_of_other_programs(root, form, encoding):
    (root / "l.txt").write_bytes(READ[form].encode(encoding))
    images = read_labels_file(root / "l.txt")
    assert images.classes == ("cat", "dog") and labels_of(images) == {"a.jpg": {"cat"}, "d.jpg": {"dog"}}


def test_one_image_by_its_number(root):
    Image.new("RGB", (8, 6)).save(root / "7.png")
    (root / "l.json").write_text('[{"image": 7, "labels": ["cat"]}, {"image": "a.jpg"}]')
    assert labels_of(read_labels_file(root / "l.json")) == {"7.png": {"cat"}, "a.jpg": set()}
    (root / "[1] x.jpg").write_bytes((root / "a.jpg").read_bytes())
    (root / "l.csv").write_text("[1] x.jpg,cat\na.jpg,\n")
    assert labels_of(read_labels_file(root / "l.csv")) == {"[1] x.jpg": {"cat"}, "a.jpg": set()}


@pytest.mark.parametrize("cell", ["cat dog", "cat/dog", "cat + dog", "cat & dog", "dog|cat", '"cat\ndog"'])
@pytest.mark.parametrize("column", ["label", "labels"])
def test_labels_are_separated_where_each_is_one_by_itself(root, cell, column):
    (root / "l.csv").write_text(f"image;{column}\na.jpg;cat\nd.jpg;dog\nsub/b 1.PNG;{cell}\nc.tif;\n")
    images = read_labels_file(root / "l.csv")
    assert images.classes == ("cat", "dog") and labels_of(images)["sub/b 1.PNG"] == {"cat", "dog"}


def test_numbers_of_classes_are_separated_by_blanks(root):
    (root / "l.csv").write_text("Id,Target\na.jpg,16 0\nd.jpg,2\n")
    assert labels_of(read_labels_file(root / "l.csv")) == {"a.jpg": {"16", "0"}, "d.jpg": {"2"}}


@pytest.mark.parametrize("word", ["nan", "NaN", "None", "NULL", "N/A", "<NA>"])
def test_words_for_an_empty_cell_are_no_class_and_are_reported(root, word):
    (root / "l.csv").write_text(f"image,label\na.jpg,cat\nd.jpg,{word}\n")
    images = read_labels_file(root / "l.csv")
    assert images.classes == ("cat",) and labels_of(images) == {"a.jpg": {"cat"}, "d.jpg": set()}
    assert f"Left out, the word {word} in place of a label (1): d.jpg" in str(DatasetReport.of(images))
    assert read_labels_file(root / "l.csv", classes=("cat", word)).classes == ("cat", word)


def test_a_json_of_a_data_frame_has_no_class_nan(root):
    (root / "l.json").write_text('{"a.jpg": "cat", "d.jpg": NaN}')
    assert labels_of(read_labels_file(root / "l.json")) == {"a.jpg": {"cat"}, "d.jpg": set()}


def test_rows_and_columns_that_are_not_read_are_reported(root):
    text = "image,label,xmin,split\na.jpg,cat,1,train\nd.jpg,dog,2,train\nc.tif,cat,3,test\n"
    (root / "l.csv").write_text(text)
    reported = str(DatasetReport.of(read_labels_file(root / "l.csv", splits=("train",))))
    assert "Left out, columns that are not read (1): xmin" in reported
    assert "Left out, rows of the split test, which was not chosen (1): line 4" in reported


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.jpg,-1\nd.jpg,1\n", "0, 1 and -1 beside the images and no header"),
        ("a.jpg  -1\nd.jpg   1\nc.tif 0\n", "0, 1 and -1 beside the images and no header"),
        ("image,,dog\na.jpg,1,0\nd.jpg,0,1\n", "a column of 0 and 1 without a name"),
        ("image,Dog,dog\na.jpg,1,0\nd.jpg,0,1\n", "several columns of 0 and 1 for the class Dog"),
        ('image,label\na.jpg,"cat\nd.jpg,dog\n', "cannot be read as CSV: unexpected end of data"),
        ('image,label\na.jpg,"cat\nd.jpg,"dog"\n', "cannot be read as CSV"),
        ('[{"image": "a.jpg", "kinds": ["cat"]}]', "no label of any image; give them under `labels`"),
        ('{"a.jpg": true, "d.jpg": false}', "no label of any image"),
        ("image,label\na.jpg,\nd.jpg,nan\n", "no label of any image"),
        ('{"a.jpg": ["cat"], "a.jpg": ["dog"]}', "'a.jpg' twice in one object: join its labels"),
        ("[" * 100_000, "nested too deeply"),
        ('{"images": [], "annotations": []}', "lacks its categories"),
        ('{"images": [{"id": [1]}], "categories": ["cat"]}', r"categories without id and name \(1\)[\s\S]*images"),
        ('{"images": [], "categories": [], "annotations": {"a": 1}}', r"annotations that are no list \(1\): dict"),
        ("image,label\na.jpg,ca\0t\nd.jpg,dog\n", "UTF-16: save it as UTF-8, or give its encoding"),
        ("PK\x03\x04 a table of a spreadsheet", "is a ZIP file and no text: save"),
    ],
)  # fmt: skip
def test_what_would_be_read_wrong_is_refused(root, text, message):
    (root / "l.csv").write_text(text)
    with pytest.raises(InvalidDataset, match=message) as caught:
        read_labels_file(root / "l.csv")
    assert "Traceback" not in str(caught.value)
