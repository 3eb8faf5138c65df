import pytest

from athlete_monitor.sim.options import UsageError, read_options


@pytest.mark.parametrize("words", [["[1,3,7]"], ["1,3,7"], ["[1,", "3,", "7]"], ["1", "3", "7"]])
def test_the_shell_may_split_the_list(words):
    options, _ = read_options(["--players", *words, "--mode", "game"])
    assert options.players == (1, 3, 7)
    assert options.mode == "game"


def test_the_original_command_line_still_works():
    options, _ = read_options(["5", "--mode", "game", "--duration", "90"])
    assert (options.count, options.mode, options.duration_s) == (5, "game", 5400.0)
    assert (options.speed, options.rate_hz, options.offline) == (1.0, 10, False)


def test_training_at_full_speed_ends_by_itself():
    assert read_options(["1", "--speed", "max"])[0].duration_s == 5400.0
    assert read_options(["1"])[0].duration_s is None
    assert read_options(["1", "--mode", "game", "--speed", "max"])[0].duration_s is None


def test_everything_else_is_read():
    text = "3 --speed 20 --rate 50 --seed 4 --qos 1 --loss 0.1 --jitter 250 --dropout 0.05 --rr --squad-seed 2"
    options, _ = read_options([*text.split(), "--start", "2026-07-01 18:00:00"])
    assert (options.speed, options.rate_hz, options.seed, options.qos) == (20.0, 50, 4, 1)
    assert (options.loss, options.jitter_s, options.dropout, options.rr) == (0.1, 0.25, 0.05, True)
    assert options.squad_seed == 2
    assert options.start_t is not None


@pytest.mark.parametrize(
    "words",
    [
        "",
        "5 --players 1",
        "5 --replay x.csv",
        "--replay x.csv --offline",
        "5 --restamp",
    ],
)
def test_contradictions_are_refused(words):
    with pytest.raises(UsageError):
        read_options(words.split())


@pytest.mark.parametrize(
    "words",
    [
        "five",
        "5 --duration 0",
        "5 --duration -1",
        "5 --duration nan",
        "5 --duration inf",
        "5 --speed 0",
        "5 --speed -1",
        "5 --speed fast",
        "5 --speed nan",
        "5 --rate 0",
        "5 --rate 201",
        "5 --rate 12.5",
        "5 --loss 1.1",
        "5 --dropout 1",
        "5 --qos 2",
        "5 --seed -1",
        "5 --mode match",
        "5 --start yesterday",
        "5 --max-players 0",
    ],
)
def test_values_out_of_range_give_one_line_and_exit_code_2(words, capsys):
    with pytest.raises(SystemExit) as end:
        read_options(words.split())
    assert end.value.code == 2
    line = capsys.readouterr().err
    assert line.startswith("publisher.py: ")
    assert line.count("\n") == 1
