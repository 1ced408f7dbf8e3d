#!/usr/bin/env bash
# Usage: check_paths.sh FOLDER PATH...  No file below FOLDER may name one of the paths of the machine
# that built it, as text or as a run path.
set -euo pipefail
folder=$1
shift
bad=0
for path in "$@"; do
  if found=$(grep -rlaF -- "$path" "$folder"); then
    printf '%s is named in:\n%s\n' "$path" "$found" >&2
    bad=1
  fi
done
while IFS= read -r -d '' file; do
  path=$(readelf -d "$file" 2>/dev/null | sed -nE 's/.*(RPATH|RUNPATH).*\[(.*)\]/\2/p')
  case "$path" in
    '' | '$ORIGIN'*) ;;
    *) printf '%s: run path %s\n' "$file" "$path" >&2; bad=1 ;;
  esac
done < <(find "$folder" -type f \( -perm -u+x -o -name '*.so*' \) -print0)
exit $bad
