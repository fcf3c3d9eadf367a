#!/bin/sh
# Runs as a service of a systemd that was booted for it (units.ts); what it says goes to /said, a line for each check.
exec >/said 2>&1
plex=/usr/lib/plexmediaserver
set -- clusterplex-orchestrator clusterplex-relay clusterplex-hook clusterplex-worker clusterplex-dfs-probe clusterplex-dfs-mount

check() {
  what=$1
  shift
  if "$@" >/check.log 2>&1; then
    echo "ok      units: $what"
  else
    echo "FAILED  units: $what"
    sed 's/^/        /' /check.log
  fi
}

# Until it is so, for at most half a minute.
within() {
  for _ in $(seq 150); do
    "$@" && return 0
    sleep 0.2
  done
  "$@"
}

transcoder() {
  printf '#!/bin/sh\necho %s\n' "$1" >/new-transcoder
  chmod 755 /new-transcoder
  mv /new-transcoder "$plex/Plex Transcoder"
}

hooked() {
  grep -q CLUSTERPLEX-HOOK "$plex/Plex Transcoder"
}

both_there() {
  clusterplex status | grep -Eq '^workers +1 ' && journalctl -qu clusterplex-relay | grep -q '"connected to the orchestrator"'
}

user_of() {
  ps -o user= -p "$(systemctl show -P MainPID "$1")"
}

as_asked() {
  [ "$(user_of clusterplex-relay)" = plex ] && [ "$(user_of clusterplex-worker)" = plex ] &&
    [ "$(user_of clusterplex-orchestrator)" != root ] && [ "$(user_of clusterplex-dfs-probe)" != root ]
}

# What one of dfs answers at this address.
answers() {
  /opt/clusterplex/node -e 'fetch(process.argv[1]).then((it) => it.text()).then(console.log)' "http://127.0.0.1:$1"
}

probe_sees_nothing() {
  answers 3502/ready | grep -q '"ready":false'
}

mount_asks_the_probe() {
  answers 3503/metrics | grep -Eq '^clusterplex_dfs_servers_ready 0$'
}

# It stands on PMS's host, where the hook is what is called Plex Transcoder.
original_behind_the_hook() {
  answers 3501/ready | grep -q "originalTranscoder, behind PMS's hook"
}

no_trial_became_a_job() {
  [ "$(clusterplex jobs --all --json | tr -d '[:space:]')" = '[]' ]
}

doctor_as_plex() {
  systemd-run --quiet --pipe --wait -p User=plex -p "EnvironmentFile=$settings" clusterplex doctor | grep -Eq '^hook +ok'
}

mkdir -p "$plex"
install -d -o plex /transcode
transcoder original
check 'install.sh has no complaint' /artefact/install.sh orchestrator pms worker dfs-probe dfs-mount
settings=/etc/clusterplex/clusterplex.env
sed -i 's|^CLUSTERPLEX_TOKEN=.*|CLUSTERPLEX_TOKEN=a-token-of-the-check|; s|^MOUNTS=.*|MOUNTS=/transcode:rw|' $settings
printf 'PMS_IP=127.0.0.1\nDFS_SERVERS=127.0.0.1\n' >>$settings
set -a
# shellcheck disable=SC1090
. $settings
set +a
check 'all start' systemctl enable --now "$@"
check 'relay and worker find the orchestrator' within both_there
check 'the worker runs the original' within original_behind_the_hook
check 'and what it tried became no job' no_trial_became_a_job
check "doctor runs as PMS's user" doctor_as_plex
check 'dfs-probe says that nothing is exported' within probe_sees_nothing
check 'dfs-mount has no server that is ready' within mount_asks_the_probe
check 'none of them is root but those of hook and dfs-mount' as_asked
check 'finished jobs are kept' test -s /var/lib/clusterplex/history.sqlite
touch /run/clusterplex/what-PMS-accepted
check 'the relay is started again' systemctl restart clusterplex-relay
check 'what it knew is still there' test -e /run/clusterplex/what-PMS-accepted
transcoder updated
check 'after an update of Plex the hook is put back' within hooked
check 'all end' systemctl stop "$@"
for name in "$@"; do
  check "$name ended well" test "$(systemctl show -P Result "$name")" = success
done
systemctl start "$@"
check 'install.sh takes it all away' /artefact/install.sh --uninstall
sleep 2
check 'and nothing puts it back' test "$("$plex/Plex Transcoder")" = updated
check 'nor leaves a unit' test -z "$(systemctl list-unit-files 'clusterplex*' --no-legend)"
echo 'that is all'
systemctl poweroff >/dev/null 2>&1
