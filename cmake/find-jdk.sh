#!/bin/sh
# Prints the home of a JDK 25 or newer: JAVA_HOME, then PATH, then the newest under /usr/lib/jvm. Fails with one message.
required=25

# Sets `version` to the feature release of the JDK at $1, or to nothing where no JDK is.
read_version() {
  version=
  [ -x "$1/bin/javac" ] || return
  if [ -r "$1/release" ]; then
    while IFS='=' read -r key value; do
      [ "$key" = JAVA_VERSION ] && version=$value
    done <"$1/release"
  else
    version=$("$1/bin/javac" -version 2>&1)
    version=${version#javac }
  fi
  version=${version#\"}
  version=${version%%[!0-9]*}
}

accept() {
  read_version "$1"
  [ "${version:-0}" -ge "$required" ]
}

describe() {
  if [ -n "$version" ]; then echo "$version"; else echo "no JDK"; fi
}

if [ -n "$JAVA_HOME" ]; then
  if accept "$JAVA_HOME"; then
    echo "$JAVA_HOME"
    exit
  fi
  tried="JAVA_HOME=$JAVA_HOME ($(describe))"
else
  tried="JAVA_HOME (not set)"
fi

javac=$(command -v javac)
if [ -n "$javac" ]; then
  javac=$(readlink -f "$javac")
  home=${javac%/bin/javac}
  if accept "$home"; then
    echo "$home"
    exit
  fi
  tried="$tried, PATH ($home: $(describe))"
else
  tried="$tried, PATH (no javac)"
fi

newest=0
installed=
for candidate in /usr/lib/jvm/*; do
  [ -L "$candidate" ] && continue
  read_version "$candidate"
  [ -n "$version" ] || continue
  installed="$installed${installed:+ }$version"
  if [ "$version" -gt "$newest" ]; then
    newest=$version
    home=$candidate
  fi
done
if [ "$newest" -ge "$required" ]; then
  echo "$home"
  exit
fi

echo "a JDK $required or newer; looked in $tried, /usr/lib/jvm (${installed:-no JDK}). Install one (https://adoptium.net, or a package such as openjdk-$required-jdk or temurin-$required-jdk) or set JAVA_HOME to it" >&2
exit 1
