#!/bin/bash
# test_deploy.sh [BUILD] - what lies in deploy/ fits the program that is built: every metric and label that rules,
# dashboard and runbook name is served, settings are settings, and the tools that know a form accept it.
set -u
cd "$(dirname "$0")/../.."
build=$(realpath "${1:-build}")
. tests/integration/server.sh
users="deploy/alerts.yaml deploy/grafana-dashboard.json deploy/RUNBOOK.md"

# ---- metrics ---------------------------------------------------------------------------------
# A job, so that labels are seen.
make_inputs 40 10
start --workers 1
upload models "$dir/resnet8.onnx"
model=$id
upload datasets "$dir/shapes.tar.gz"
dataset=$id
order '{"finetune": {"epochs": 1, "batch_size": 20}, "threads": 1}'
finishes succeeded
call GET /metrics
cp "$dir/body" "$dir/metrics"
served=$(awk '/^# TYPE/ { print $3; if ($4 == "histogram") { print $3 "_bucket"; print $3 "_sum"; print $3 "_count" } }' "$dir/metrics")
for file in $users; do
    named=$(grep -oE 'fsnetd_[a-z_]+[a-z]' "$file" | sort -u)
    check "$file names metrics" test -n "$named"
    for name in $named; do
        check "$file: $name is served" grep -qx "$name" <<<"$served"
    done
done
for name in $(awk '/^# TYPE/ { print $3 }' "$dir/metrics"); do
    check "the runbook explains $name" grep -q "\`$name\`" deploy/RUNBOOK.md
    case $name in *_size_bytes | *_build_info) continue ;; esac # beside others
    check "the dashboard shows $name" grep -q "$name" deploy/grafana-dashboard.json
done
# "metric label" of every matcher; instance and job are Prometheus' own.
matchers() {
    grep -ohE 'fsnetd_[a-z_]+\{[^}]*\}' "$@" | tr -d '\\' | sed -E 's/"[^"]*"//g' |
        while IFS='{' read -r name labels; do
            for label in $(tr -c 'a-z_\n' ' ' <<<"$labels"); do echo "$name $label"; done
        done | grep -vE ' (instance|job)$' | sort -u
}
check "there are labels to look for" test "$(matchers $users | wc -l)" -ge 4
while read -r name label; do
    check "$name has the label $label" grep -qE "^$name\{([^}]*,)?$label=" "$dir/metrics"
done < <(matchers $users)
# "by (a, b)" and {{a}} of legends name labels too.
all_labels=$(grep -oE '[a-z]+="' "$dir/metrics" | tr -d '="' | sort -u)
for label in $({ grep -ohE 'by \([a-z, ]+\)' $users | sed 's/by//' && grep -ohE '\{\{[a-z]+\}\}' $users; } | tr -c 'a-z\n' ' '); do
    case $label in instance | job) continue ;; esac
    check "some metric has the label $label" grep -qx "$label" <<<"$all_labels"
done
# Values: states of jobs are served all the time, events as the source lists them.
for value in $(grep -ohE 'fsnetd_jobs\{status=\\?"[a-z]+' $users | grep -oE '[a-z]+$' | sort -u); do
    check "jobs have the status $value" grep -q "^fsnetd_jobs{status=\"$value\"}" "$dir/metrics"
done
for value in $(grep -ohE 'event=\\?"[a-z]+' $users | grep -oE '[a-z]+$' | sort -u); do
    check "jobs have the event $value" grep -qE "X\([A-Z]+, \"$value\"\)" server/jobs/queue.h
done
stop

# ---- alerts ----------------------------------------------------------------------------------
for alert in $(sed -nE 's/.*alert: ([A-Za-z]+).*/\1/p' deploy/alerts.yaml); do
    check "the runbook says what $alert means" grep -q "^| $alert |" deploy/RUNBOOK.md
    check "$alert is tested" grep -q "alertname: $alert, exp_alerts" tests/integration/alerts_test.yaml
done
same "the runbook explains no other alert" "$(sed -nE 's/.*alert: ([A-Za-z]+).*/\1/p' deploy/alerts.yaml | sort)" \
    "$(sed -nE 's/^\| (Fsnetd[A-Za-z]+) \|.*/\1/p' deploy/RUNBOOK.md | sort)"
if command -v promtool >/dev/null; then
    check "promtool: configuration and rules are well formed" promtool check config deploy/prometheus.yaml
    check "promtool: each alert fires when it should" promtool test rules tests/integration/alerts_test.yaml
else
    skip "promtool on deploy/" "promtool is not installed"
fi

# ---- the dashboard of Grafana ------------------------------------------------------------------
board=deploy/grafana-dashboard.json
check "it is JSON" jq -e . "$board" >"$dir/out"
same "every panel has a query, a unit and its own id" "$(jq '.panels | length' "$board")" \
    "$(jq '[.panels[] | select((.targets | length) > 0 and all(.targets[]; .expr != "") and .fieldConfig.defaults.unit) | .id] | unique | length' "$board")"
same "panels do not overlap" 0 "$(jq '[.panels[].gridPos | . as $g | range($g.x; $g.x + $g.w) as $x | range($g.y; $g.y + $g.h) as $y | [$x, $y]]
    | length - (unique | length)' "$board")"

# ---- settings --------------------------------------------------------------------------------
# accepted WHAT ARGS...: fsnetd would serve with these arguments (behind "serve"), and VARIABLE=VALUE before.
accepted() {
    local what=$1
    local -a environment=()
    shift
    while [[ ${1:-} == FSNETD_* ]]; do
        environment+=("$1")
        shift
    done
    if env "${environment[@]}" "$build/fsnetd" config "$@" >"$dir/out" 2>&1; then ok "$what"; else not_ok "$what" "$(<"$dir/out")"; fi
}
read -r -a arguments < <(sed -nE 's/^ExecStart=.*fsnetd serve (.*)/\1/p' deploy/fsnetd.service)
accepted "the unit's arguments are settings" "${arguments[@]}"
read -r -a arguments < <(sed -nE -e 's/^ENV (FSNETD_.*)/\1/p' -e 's/^CMD \["serve", (.*)\]$/\1/p' Dockerfile |
    tr -d '",' | paste -sd' ')
accepted "the image's arguments are settings" "${arguments[@]}"
if command -v systemd-analyze >/dev/null; then
    sed "s#/usr/local/bin/fsnetd#$build/fsnetd#" deploy/fsnetd.service >"$dir/fsnetd.service"
    check "systemd-analyze verify finds nothing" test -z "$(systemd-analyze verify "$dir/fsnetd.service" 2>&1)"
    # expand NAME...: system calls, the groups among them unfolded.
    expand() {
        local name
        for name in "$@"; do
            case $name in
            @*) expand $(systemd-analyze syscall-filter "$name" | awk 'NR > 1 && !/#/ { print $1 }') ;;
            *) echo "$name" ;;
            esac
        done
    }
    # As systemd reads the unit: line by line, ~ takes away.
    : >"$dir/allowed"
    while read -r line; do
        expand ${line#\~} | sort -u >"$dir/named"
        case $line in
        \~*) comm -23 "$dir/allowed" "$dir/named" ;;
        *) sort -u "$dir/allowed" "$dir/named" ;;
        esac >"$dir/now" && mv "$dir/now" "$dir/allowed"
    done < <(sed -n 's/^SystemCallFilter=//p' deploy/fsnetd.service)
    check "the unit allows system calls" grep -qx read "$dir/allowed"
    check "and not all" test -z "$(grep -x sched_setaffinity "$dir/allowed")"
    { # by name and, with syscall(), by number
        nm -D --undefined-only "$build/fsnetd" | sed -nE 's/.* U ([a-z0-9_]+)(@.*)?$/\1/p' | grep -vx syscall
        grep -rhoE 'SYS_[a-z0-9_]+' --include='*.c' engine server | sed 's/^SYS_//'
    } | sort -u >"$dir/called"
    check "the program's calls are seen" grep -qx sched_setscheduler "$dir/called"
    expand @known | sort -u | comm -12 - "$dir/called" >"$dir/now"
    same "the unit allows what the program calls" "" "$(comm -23 "$dir/now" "$dir/allowed" | paste -sd' ')"
else
    skip "the systemd unit" "systemd-analyze is not installed"
    check "the unit lets jobs stand behind requests" grep -qx "SystemCallFilter=setpriority sched_setscheduler" deploy/fsnetd.service
fi

# ---- YAML ------------------------------------------------------------------------------------
# as_json FILE: its documents, one a line.
as_json() {
    /usr/bin/python3 -c 'import json, sys, yaml
for document in yaml.safe_load_all(open(sys.argv[1])): print(json.dumps(document))' "$1"
}
if /usr/bin/python3 -c 'import yaml' 2>"$dir/out"; then
    for file in deploy/*.yaml; do
        check "$file is YAML" as_json "$file" >"$dir/out"
    done
    as_json deploy/kubernetes.yaml >"$dir/kubernetes"
    # kube WHAT EXPECTED FILTER
    kube() { same "kubernetes.yaml: $1" "$2" "$(jq -rs "$3" "$dir/kubernetes")"; }
    pod='.[] | select(.kind == "StatefulSet") | .spec.template.spec'
    kube "one server for a data folder" 1 '.[] | select(.kind == "StatefulSet") | .spec.replicas'
    kube "not root" "true 10001" "$pod | .securityContext | \"\\(.runAsNonRoot) \\(.runAsUser)\""
    same "as the image's user" 10001 "$(sed -nE 's/.*--uid ([0-9]+).*/\1/p' Dockerfile)"
    kube "no privileges, nothing to write but its volumes" '[false,true,["ALL"]]' \
        "$pod | .containers[0].securityContext | [.allowPrivilegeEscalation, .readOnlyRootFilesystem, .capabilities.drop] | tojson"
    kube "processor and memory are limited" '["cpu","memory"]' "$pod | .containers[0].resources.limits | keys | tojson"
    same "the scrape job of prometheus-kubernetes.yaml finds the pod and sends a token" true \
        "$(as_json deploy/prometheus-kubernetes.yaml | jq --argjson pod "$(jq -cs '.[] | select(.kind == "StatefulSet") | .spec.template' "$dir/kubernetes")" '.scrape_configs[0]
        | [.relabel_configs[].regex] == [$pod.metadata.labels["app.kubernetes.io/name"], $pod.spec.containers[0].ports[0].name]
            and (.authorization.credentials_file | length) > 0')"
    kube "nothing is scraped without one" null '.[] | select(.kind == "StatefulSet") | .spec.template.metadata.annotations["prometheus.io/scrape"]'
    kube "the service selects the pod" true '(.[] | select(.kind == "Service") | .spec.selector) as $s
        | .[] | select(.kind == "StatefulSet") | .spec.template.metadata.labels | contains($s)'
    kube "photographs are unpacked on a disk" '["/var/tmp",null]' "$pod | (.containers[0].volumeMounts[] | select(.mountPath == \"/var/tmp\")) as \$mount
        | .volumes[] | select(.name == \$mount.name) | [\$mount.mountPath, .emptyDir.medium] | tojson"
    as_json deploy/compose.yaml >"$dir/compose"
    same "compose.yaml: nothing to write but its volumes and /tmp" '[true,["/tmp"]]' \
        "$(jq -c '.services.fsnetd | [.read_only, .tmpfs]' "$dir/compose")"
    same "compose.yaml: data and photographs are on volumes" '["/data","/var/tmp"]' \
        "$(jq -c '(.volumes | keys) as $known | [.services.fsnetd.volumes[] | split(":") | select(.[0] | IN($known[])) | .[1]]' "$dir/compose")"
    kube "every mount has its volume" true '.[] | select(.kind == "StatefulSet") | .spec
        | ([.template.spec.volumes[].name, .volumeClaimTemplates[].metadata.name] | sort)
            == ([.template.spec.containers[0].volumeMounts[].name] | sort)'
    start
    for path in $(jq -rs "$pod | .containers[0] | .startupProbe, .readinessProbe, .livenessProbe | .httpGet.path" "$dir/kubernetes" | sort -u); do
        call GET "$path"
        same "the probe $path answers" 200 "$status"
    done
    stop
    jq -rs '.[] | select(.kind == "ConfigMap") | .data["fsnetd.conf"]' "$dir/kubernetes" >"$dir/fsnetd.conf"
    accepted "the settings file of the ConfigMap" --config "$dir/fsnetd.conf"
    holds "it serves on the port of the container" ":$(jq -rs "$pod | .containers[0].ports[0].containerPort" "$dir/kubernetes") " "$(grep '^listen' "$dir/out")"
    kube "it is mounted where serve looks for it" "serve --config /etc/fsnetd/fsnetd.conf /etc/fsnetd" \
        "$pod | .containers[0] | (.args | join(\" \")) + \" \" + (.volumeMounts[] | select(.name == \"config\") | .mountPath)"
    kube "the data folder is on the claim" "$(sed -nE 's/^data-dir = //p' "$dir/fsnetd.conf")" \
        "$pod | .containers[0].volumeMounts[] | select(.name == \"data\") | .mountPath"
else
    skip "the YAML files" "python3-yaml is not installed"
fi
finish
