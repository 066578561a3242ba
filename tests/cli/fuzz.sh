# SPDX-License-Identifier: GPL-2.0-or-later
# A short run of each fuzzer. FUZZ: seconds each.
case $BUILD in *asan*) echo "run by the plain suite"; exit 77 ;; esac
exec "$TOP/tests/fuzz/run" "$BUILD" "${FUZZ:-3}"
