from __future__ import annotations

import io
import zipfile

import pytest

from athlete_monitor.errors import ModelError
from athlete_monitor.models.archive import SCRIPT_MEMBER, torchscript_of
from tests.models.kit import artifacts, with_code, zipped


def test_the_script_of_an_export_is_found_whatever_its_layout():
    for depth in (1, 6, 12):
        script = torchscript_of(artifacts(3, depth).hummingbird_zip)
        assert zipfile.is_zipfile(io.BytesIO(script))


def test_a_zip_bomb_is_refused_without_unpacking_it():
    bomb = zipped({SCRIPT_MEMBER: bytes(50_000_000)})
    assert len(bomb) < 100_000
    with pytest.raises(ModelError, match="unpacks to 50000000 bytes"):
        torchscript_of(bomb)


def test_a_zip_bomb_inside_the_script_is_refused():
    with pytest.raises(ModelError, match="unpacks to"):
        torchscript_of(zipped({SCRIPT_MEMBER: zipped({"m/data/0": bytes(50_000_000)})}, zipfile.ZIP_STORED))


def test_a_member_that_states_a_smaller_size_than_it_has_is_refused():
    content = zipped({SCRIPT_MEMBER: zipped({"m/code/x.py": "pass"})}, zipfile.ZIP_STORED)
    size = len(zipped({"m/code/x.py": "pass"}))
    lying = content.replace(size.to_bytes(4, "little"), (size - 20).to_bytes(4, "little"))
    assert lying != content
    with pytest.raises(ModelError):
        torchscript_of(lying)


@pytest.mark.parametrize("name", ["../escape", "/etc/passwd", "a/../../b"])
def test_a_member_name_that_leaves_the_archive_is_refused(name):
    with pytest.raises(ModelError, match="is not allowed"):
        torchscript_of(zipped({SCRIPT_MEMBER: b"x", name: b"x"}))


def test_an_archive_with_a_member_twice_is_refused():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(SCRIPT_MEMBER, b"a")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr(SCRIPT_MEMBER, b"b")
    with pytest.raises(ModelError, match="a member twice"):
        torchscript_of(buffer.getvalue())


def test_an_archive_without_a_script_or_without_code_is_refused():
    with pytest.raises(ModelError, match="has no member"):
        torchscript_of(zipped({"container.pkl": b"x"}))
    with pytest.raises(ModelError, match="holds no TorchScript code"):
        torchscript_of(zipped({SCRIPT_MEMBER: zipped({"m/version": "3"})}))


@pytest.mark.parametrize(
    "code",
    [
        "return torch.from_file('/etc/passwd', False, 10)",
        "torch.save(x, '/tmp/owned')",
        "torch . save (x, '/tmp/owned')",
        "ops.aten.from_file('/etc/passwd')",
        "ops.prim.data(x)",
        "def __setstate__(self, state): pass",
        "fork(self.run, x)",
        "return torch._C.anything(x)",
        "return torch.nn.functional.relu(x)",
        "import os",
        "f = torch.save",
        "aten::save(x)",
        "while True: pass",
        "for i in range(3): pass",
        "x = [i for i in y]",
        "def again(self, x): return x",
        "def forward(self, x): return (self).forward(x)",
        "x = y.append(1)",
        "x = lambda: 0",
        "torch = CONSTANTS.c0.save",
        "(" * 500,
    ],
)
def test_code_that_no_model_needs_is_refused(code):
    with pytest.raises(ModelError, match="is not the code of an exported model"):
        torchscript_of(with_code(code))


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x05\x06" + bytes(18), b"\x00" * 100])
def test_what_is_no_zip_is_refused(content):
    with pytest.raises(ModelError):
        torchscript_of(content)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_archive_is_refused(part):
    whole = artifacts().hummingbird_zip
    with pytest.raises(ModelError):
        torchscript_of(whole[: int(len(whole) * part)])
