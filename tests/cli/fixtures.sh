# SPDX-License-Identifier: GPL-2.0-or-later
# Recordings of old replay, and every behaviour version has some: tests/fixtures/README.md.
version=$(sed -n 's/^#define RR_BEHAVIOUR_VERSION \([0-9]*\)u$/\1/p' "$TOP/schema/version.h")
folder=$TOP/tests/fixtures/behaviour-$version
if [ ! -s "$folder/expected" ]; then
    echo "behaviour version $version has no fixtures: tests/fixtures/make BUILD"
    exit 1
fi
status=0
n=0
wrong() {
    echo "$1: $2 (see tests/fixtures/README.md)"
    status=1
}
while read -r name pos hash; do
    rec=$folder/$name.rrec
    n=$((n + 1))
    end=$("$RR" info --json "$rec" | python3 -c 'import json, sys; e = json.load(sys.stdin)["end"]; print(e["pos"], e["hash"])')
    [ "$end" = "$pos $hash" ] || wrong "$name" "ends at '$end', expected '$pos $hash'"
    for options in "--backend x86_64" "--backend interp" "--perturb $n"; do
        # shellcheck disable=SC2086
        said=$("$RR" replay --quiet $options "$rec" 2>&1) || wrong "$name $options" "$said"
    done
done <"$folder/expected"
[ "$n" -eq "$(find "$folder" -name '*.rrec' | wc -l)" ] || wrong "$folder" "not every recording is in 'expected'"
mkdir -p "$BUILD/conformance"
echo "{\"suite\": \"fixture recordings\", \"behaviour\": $version, \"cases\": $n, \"failed\": $status}" >"$BUILD/conformance/fixtures.json"
exit $status
