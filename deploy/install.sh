#!/bin/sh
# Installs ClusterPlex-TS from the folder that this script lies in; nothing is downloaded.
set -eu
# PMS's user runs what is installed here, whatever root keeps to itself otherwise.
umask 022

usage() {
  cat <<'END'
install.sh [PART …] [--uninstall]

PART  pms (hook and relay), worker, orchestrator, dfs-probe or dfs-mount: which of them run on this machine

It copies its folder to /opt/clusterplex, puts `clusterplex` into /usr/local/bin and, for pms, the hook in place of
Plex's transcoder; and it writes what starts the parts: units for systemd, or services where s6 runs the container.
Again is an update. --uninstall takes all that away, whatever PART says; /etc/clusterplex stays.

TRANSCODER_PATH  the directory of Plex Transcoder, if it is another than /usr/lib/plexmediaserver; kept for the units
END
}

fail() {
  echo "install.sh: $1" >&2
  exit "${2:-1}"
}

parts=''
uninstall=false
for word in "$@"; do
  case $word in
    pms | worker | orchestrator | dfs-probe | dfs-mount) parts="$parts $word" ;;
    --uninstall) uninstall=true ;;
    --help) usage && exit 0 ;;
    *) fail "unknown argument $word (see --help)" 2 ;;
  esac
done

here=$(dirname -- "$(readlink -f -- "$0")")
opt=/opt/clusterplex
units=/etc/systemd/system
s6=/etc/services.d
s6_init=/etc/cont-init.d
link=/usr/local/bin/clusterplex
settings=/etc/clusterplex/clusterplex.env
kept=''
if [ -e "$settings" ]; then
  # As systemd reads it: the last one counts, and may be quoted.
  kept=$(sed -n 's/^TRANSCODER_PATH=//p' "$settings" | tail -n 1 | sed "s/^\([\"']\)\(.*\)\1\$/\2/")
fi
kept=${kept:-/usr/lib/plexmediaserver}
export TRANSCODER_PATH="${TRANSCODER_PATH:-$kept}"

systemd() {
  [ -d /run/systemd/system ]
}

remove_services() {
  for unit in orchestrator worker relay hook dfs-probe dfs-mount; do
    file=$units/clusterplex-$unit.service
    [ -e "$file" ] || continue
    if systemd; then systemctl disable --now "clusterplex-$unit.service" || :; fi
    rm -f "$file"
  done
  if systemd; then systemctl daemon-reload; fi
  rm -rf "$s6/clusterplex-relay" "$s6_init/60-clusterplex"
}

if $uninstall; then
  # First: what watches over the hook would put it back.
  remove_services
  if [ -x "$opt/clusterplex" ]; then
    "$opt/clusterplex" install-hook --uninstall || echo 'no hook was taken away'
  fi
  rm -rf "$opt"
  [ ! -L "$link" ] || rm -f "$link"
  echo "removed $opt; /etc/clusterplex is still there"
  exit 0
fi

[ -n "$parts" ] || { usage >&2 && exit 2; }
[ -x "$here/node" ] || fail "there is no Node in $here: run it in the folder that \`npm run build\` made"
[ "$here" != "$opt" ] || fail "run it in the folder that was unpacked, not in $opt"
"$here/node" --version >/dev/null || fail 'this Node does not run here: is it for another architecture?'
case $parts in
  *pms*)
    [ -e "$TRANSCODER_PATH/Plex Transcoder" ] ||
      fail "there is no Plex Transcoder in $TRANSCODER_PATH: install Plex Media Server first, or set TRANSCODER_PATH" 2
    ;;
esac

# At no time is there half of it.
mkdir -p /opt /usr/local/bin
rm -rf "$opt.new" "$opt.old"
cp -R "$here" "$opt.new"
chmod -R u=rwX,go=rX "$opt.new"
if [ -e "$opt" ]; then mv "$opt" "$opt.old"; fi
mv "$opt.new" "$opt"
rm -rf "$opt.old"
ln -sf "$opt/clusterplex" "$link"
echo "installed $opt, Node $("$opt/node" --version)"

has_units=false
unit() {
  has_units=true
  mkdir -p "$units"
  cp "$opt/systemd/clusterplex-$1.service" "$units/"
  echo "wrote $units/clusterplex-$1.service"
}

s6_relay() {
  mkdir -p "$s6_init" "$s6/clusterplex-relay"
  # Updates of Plex come before it, in 50-plex-update.
  cat >"$s6_init/60-clusterplex" <<'END'
#!/usr/bin/with-contenv bash
mkdir -p /run/clusterplex
chown plex:plex /run/clusterplex
/opt/clusterplex/clusterplex install-hook || echo 'the hook is not in place: PMS transcodes by itself'
END
  cat >"$s6/clusterplex-relay/run" <<'END'
#!/usr/bin/with-contenv bash
exec s6-setuidgid plex /opt/clusterplex/clusterplex relay
END
  chmod 755 "$s6_init/60-clusterplex" "$s6/clusterplex-relay/run"
  echo "wrote $s6/clusterplex-relay and $s6_init/60-clusterplex"
}

for part in $parts; do
  if [ "$part" != pms ]; then
    unit "$part"
    continue
  fi
  if [ -d "$s6_init" ]; then
    s6_relay
  else
    unit relay
    unit hook
  fi
done

if $has_units; then
  if [ ! -e "$settings" ]; then
    mkdir -p /etc/clusterplex
    (umask 077 && cp "$opt/systemd/clusterplex.env.example" "$settings")
    echo "wrote $settings: set CLUSTERPLEX_TOKEN and ORCHESTRATOR_URL in it"
  fi
  if [ "$TRANSCODER_PATH" != "$kept" ]; then
    # Its last line may have no end.
    printf '\nTRANSCODER_PATH="%s"\n' "$TRANSCODER_PATH" >>"$settings"
  fi
  if systemd; then systemctl daemon-reload; fi
fi

# Last: should it fail, all else is there.
case $parts in
  *pms*) "$opt/clusterplex" install-hook ;;
esac
if $has_units; then
  for part in $parts; do
    if [ "$part" = pms ]; then names='clusterplex-relay clusterplex-hook'; else names=clusterplex-$part; fi
    echo "then: systemctl enable --now $names"
  done
fi
