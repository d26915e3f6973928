"""The memory that may be taken is what the tightest limit leaves."""

from pathlib import Path

import pytest

from litebert.foundation.memory import available_memory, peak_memory, resident_memory

MIB = 1 << 20


def machine(folder: Path, groups: str = "") -> tuple[Path, Path]:
    """A machine with 1000 MiB available; `groups` says which control groups this process is in."""
    proc, cgroups = folder / "proc", folder / "cgroup"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text(f"MemTotal:  9999 kB\nMemAvailable:   {1000 * 1024} kB\n")
    (proc / "self" / "cgroup").write_text(groups)
    cgroups.mkdir()
    return proc, cgroups


def limit(group: Path, version: int, limit: int | str, use: int, cached: int = 0) -> None:
    group.mkdir(parents=True, exist_ok=True)
    names = ("memory.max", "memory.current", "inactive_file")
    if version == 1:
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    (group / names[0]).write_text(f"{limit if isinstance(limit, str) else limit * MIB}\n")
    (group / names[1]).write_text(f"{use * MIB}\n")
    (group / "memory.stat").write_text(f"anon 3\n{names[2]} {cached * MIB}\n")


def test_without_limits_the_machine_decides(tmp_path: Path) -> None:
    assert available_memory(*machine(tmp_path, "0::/\n")) == 1000 * MIB


@pytest.mark.parametrize(("version", "line"), [(2, "0::/jobs/one\n"), (1, "4:memory:/jobs/one\n")])
def test_the_tightest_group_above_this_process_decides(
    tmp_path: Path, version: int, line: str
) -> None:
    proc, cgroups = machine(tmp_path, "9:name=systemd:/x\n" + line)
    root = cgroups if version == 2 else cgroups / "memory"
    limit(root / "jobs" / "one", version, 800, use=100)
    assert available_memory(proc, cgroups) == 700 * MIB
    limit(root / "jobs", version, 900, use=600, cached=50)
    assert available_memory(proc, cgroups) == 350 * MIB


def test_in_a_container_the_root_says_what_the_hosts_path_cannot(tmp_path: Path) -> None:
    proc, cgroups = machine(tmp_path, "0::/../../host/pod\n")
    limit(cgroups, 2, 512, use=12)
    assert available_memory(proc, cgroups) == 500 * MIB


def test_no_limit_is_no_limit_and_an_overdrawn_one_leaves_nothing(tmp_path: Path) -> None:
    proc, cgroups = machine(tmp_path, "0::/a\n")
    limit(cgroups / "a", 2, "max", use=100)
    assert available_memory(proc, cgroups) == 1000 * MIB
    limit(cgroups / "a", 2, 50, use=100)
    assert available_memory(proc, cgroups) == 0


def test_where_the_system_does_not_say_nothing_is_said(tmp_path: Path) -> None:
    assert available_memory(tmp_path, tmp_path) is None
    assert peak_memory(tmp_path) is None


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system has no /proc")
def test_this_process_has_some_memory_and_had_at_least_as_much() -> None:
    block = bytearray(64 * MIB)
    held = resident_memory()
    assert held > len(block)
    del block
    assert peak_memory() > 0.99 * held  # the system counts in steps
    assert available_memory() > 0
