import pytest

from rankkit.backends.gguf.safety import (
    LlamaFacts,
    allow_extra_buffers,
    build_flags,
    check_memory,
    has_amx,
)
from rankkit.errors import BackendError
from tests.machine.test_cpus import lay_out


def test_flags_name_what_the_cpu_has_and_never_amx(tmp_path):
    flags = "sse4_2 avx avx2 bmi2 fma f16c avx512f avx512cd avx512bw avx512dq avx512vl avx512_vnni amx_int8 amx_tile"
    lay_out(tmp_path, {"proc/cpuinfo": f"processor\t: 0\nflags\t\t: {flags}"})
    told = build_flags(tmp_path, "x86_64")
    assert told == (
        "-DGGML_NATIVE=OFF -DGGML_SSE42=ON -DGGML_AVX=ON -DGGML_AVX2=ON -DGGML_BMI2=ON -DGGML_FMA=ON -DGGML_F16C=ON "
        "-DGGML_AVX512=ON -DGGML_AVX512_VNNI=ON"
    )


def test_an_old_cpu_switches_off_what_it_lacks(tmp_path):
    lay_out(tmp_path, {"proc/cpuinfo": "flags\t: sse4_2 avx"})
    assert "-DGGML_AVX=ON -DGGML_AVX2=OFF" in build_flags(tmp_path, "AMD64")


def test_no_flags_elsewhere(tmp_path):
    assert build_flags(tmp_path, "x86_64") == ""  # no /proc: macOS, Windows
    lay_out(tmp_path, {"proc/cpuinfo": "Features\t: fp asimd"})
    assert build_flags(tmp_path, "aarch64") == ""


@pytest.mark.parametrize(
    ("info", "dangerous"),
    [("CPU : AVX2 = 1 | AMX_INT8 = 1 | REPACK = 1 |", True), ("CPU : AVX2 = 1 | AMX_INT8 = 0 |", False), ("", False)],
)
def test_a_build_with_amx_is_told_by_its_system_information(info, dangerous):
    assert has_amx(info) is dangerous


def test_amx_is_avoided_where_it_can_be_and_refused_where_not():
    assert allow_extra_buffers(LlamaFacts("0.3.36", "", amx=False, avoidable=False))
    assert not allow_extra_buffers(LlamaFacts("0.3.36", "AMX_INT8 = 1", amx=True, avoidable=True))
    with pytest.raises(BackendError, match=r"0\.3\.9.*AMX[\s\S]*pip install"):
        allow_extra_buffers(LlamaFacts("0.3.9", "AMX_INT8 = 1", amx=True, avoidable=False))


def test_memory_that_is_short_is_an_error_with_both_numbers():
    check_memory(2**30, None, model="m", context=1)
    check_memory(2**30, 2**30, model="m", context=1)
    with pytest.raises(BackendError, match="4096 tokens needs about 1024 MiB of memory; 512 MiB are available"):
        check_memory(2**30, 2**29, model="m.gguf", context=4096)
