#!/bin/sh
# zookeepers.sh CACHE fetches the servers of zookeepers.txt that CACHE does not have, each into
# CACHE/VERSION. It asks the Debian mirror that this machine uses, with lists and state of its own, so
# that nothing is installed and no setting changes. Where one cannot be had it says so and goes on:
# the tests then say that the version is not tested.
set -eu
cache=$1
list=$(dirname "$0")/zookeepers.txt
package=libzookeeper-java

missing=$(grep -v '^#' "$list" | while read -r version rest; do
	[ -e "$cache/$version/zookeeper.jar" ] || echo "$version $rest"
done)
[ -n "$missing" ] || exit 0

lacking() { echo "zookeepers: NOT TESTED HERE: ZooKeeper $1: $2"; }

mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' 2>/dev/null | head -n 1) || true
if [ -z "$mirror" ]; then
	echo "$missing" | while read -r version rest; do lacking "$version" 'this machine has no mirror of Debian'; done
	exit 0
fi

mkdir -p "$cache"
work=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT

# fetch VERSION RELEASE DEB SHA256, in a folder of its own
fetch() {
	dir=$work/$1.apt
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	keys=/usr/share/keyrings/debian-archive-keyring.gpg
	echo "deb [signed-by=$keys] $mirror $2 main" >"$dir/sources.list"
	apt="apt-get -qq -o Dir::Etc::sourcelist=$dir/sources.list -o Dir::Etc::sourceparts=/dev/null
		-o Dir::State::lists=$dir/lists -o Dir::State::status=/dev/null -o Dir::Cache=$dir/cache
		-o Acquire::Languages=none -o APT::Sandbox::User=root"
	cd "$dir" && $apt update && $apt download "$package=$3" || return 1
	deb=$(ls "$package"_*.deb) && echo "$4  $deb" | sha256sum --quiet -c - || return 1
	dpkg-deb -x "$deb" x && mkdir "$work/$1" || return 1
	for jar in x/usr/share/java/zookeeper-"$1".jar x/usr/share/java/zookeeper-jute-"$1".jar; do
		name=$(basename "$jar" "-$1.jar").jar
		[ ! -e "$jar" ] || mv "$jar" "$work/$1/$name" || return 1
	done
	[ -e "$work/$1/zookeeper.jar" ] && mv "$work/$1" "$cache/$1"
}

echo "fetching ZooKeeper $(echo "$missing" | cut -d' ' -f1 | tr '\n' ' ')"
echo "$missing" | { while read -r version rest; do
	(fetch "$version" $rest >"$work/$version.log" 2>&1 || lacking "$version" "$(tail -n 1 "$work/$version.log")") &
done; wait; }
