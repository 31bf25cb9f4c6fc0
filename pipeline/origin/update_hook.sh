#!/bin/sh
# ncnc: nothing of the story is taken back. git runs this as the hook `update`, once for each ref of a push, with its
# name, the id that it has and the id that it is to get; the settings receive.denyNonFastForwards and
# receive.denyDeletes keep the branches from being set back or deleted.
set -eu
ref=$1 old=$2 new=$3

refuse() {
    echo "ncnc: $1" >&2
    exit 1
}

is_none() { # git writes an id that is not there as zeros alone
    case $1 in *[!0]*) return 1 ;; esac
}

if is_none "$old"; then
    exit 0 # a new ref
fi
case $ref in
refs/heads/ledger | refs/heads/journal) ;;
refs/heads/*) exit 0 ;;
*) refuse "$ref is there already, and tags and claims are neither moved nor deleted. Publish under another name." ;;
esac
if is_none "$new"; then
    refuse "$ref is never deleted: it says what happened."
fi

# Each file must begin with the bytes it has, so that lines are only added at its end.
git diff-tree -r --no-renames "$old" "$new" | while read -r _ _ before after change path; do
    case $change in
    A) continue ;;
    M) ;;
    *) refuse "$ref only grows, but this push removes $path. Fetch the branch and add lines to it." ;;
    esac
    size=$(git cat-file -s "$before")
    kept=$(git cat-file blob "$after" | head -c "$size" | git hash-object --stdin)
    if [ "$kept" != "$before" ]; then
        refuse "$ref only grows, but this push changes or removes lines of $path. Fetch the branch and add lines to it."
    fi
done
