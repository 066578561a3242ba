# SPDX-License-Identifier: GPL-2.0-or-later
# Every shell example of the README and of docs/ ("    $ rr-emu …") runs, in the order of the text, with status 0.
set -u
[ -f "$TOP/.cache/linux/Image" ] || { echo "skipped: the Linux guest could not be fetched"; exit 77; }
ln -s "$TOP"/.cache/linux/* .
export RR_EMU_DIR=$PWD
rr-emu() { "$RR" "$@"; }
fails=0 n=0
while IFS= read -r line; do
    n=$((n + 1))
    eval "$line" >out 2>&1 </dev/null || { echo "status $?: $line: $(tail -3 out)"; fails=$((fails + 1)); }
done < <(grep -h '^    \$ rr-emu ' "$TOP/README.md" "$TOP"/docs/*.md | sed 's/^    \$ //')
echo "$n examples, $fails failed"
[ $n -gt 3 ] && [ $fails -eq 0 ]
