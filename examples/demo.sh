#!/usr/bin/env bash
# Shows Jinx on a real service: a shop that takes orders, and a payments service that it calls.
# Needs a JDK 17 or newer, Maven and curl; stops everything it started.
#
#   ./examples/demo.sh             five scenes, about a minute
#   ./examples/demo.sh --keep      the same, and leaves all running to play with, until Ctrl-C
#   ./examples/demo.sh --postgres  the shop on PostgreSQL: DATABASE_URL=jdbc:postgresql://...
#                                  DATABASE_USER=... DATABASE_PASSWORD=...
set -euo pipefail
cd "$(dirname "$0")/.."

keep=false
profile=()
for option in "$@"; do
  case $option in
    --keep) keep=true ;;
    --postgres) profile=(--spring.profiles.active=postgres) ;;
    *)
      sed -n '2,9s/^# \{0,1\}//p' examples/demo.sh
      exit 2
      ;;
  esac
done

java=${JAVA_HOME:+$JAVA_HOME/bin/}java
agent=agent/target/jinx-agent.jar
logs=$(mktemp -d)
started=()
surprises=0
SECONDS=0

stop() {
  local status=$?
  trap - EXIT
  if ((${#started[@]})); then
    kill "${started[@]}" 2>/dev/null || true
    wait "${started[@]}" 2>/dev/null || true
  fi
  rm -rf "$logs"
  exit "$status"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

bold() { if [[ -t 1 ]]; then printf '\n\033[1m%s\033[0m\n' "$*"; else printf '\n%s\n' "$*"; fi; }

# is the jar missing, or older than anything it is built from?
stale() {
  local jar=$1
  shift
  [[ ! -f $jar || -n $(find pom.xml "$@" -type f -newer "$jar" -print -quit) ]]
}

# waits until the log shows what the pattern captures, and prints that
await() {
  local log=$1 pattern=$2 pid=$3 found
  for _ in $(seq 300); do
    found=$(sed -nE "s#.*$pattern.*#\1#p" "$log" | head -n 1)
    if [[ -n $found ]]; then
      echo "$found"
      return
    fi
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.2
  done
  tail -n 20 "$log" >&2
  echo "demo: no '$pattern' in what $(basename "$log" .log) said" >&2
  return 1
}

# the control port with curl, each call shown as one would type it; the whole answer stays in $answer
jinx() {
  local path=$1 word shown="curl -sS $control$1"
  shift
  for word in "$@"; do
    case $word in
      *[!A-Za-z0-9-]*) shown+=" '$word'" ;;
      *) shown+=" $word" ;;
    esac
  done
  printf '\n  $ %s\n' "${shown//$'\n'/$'\n'    }"
  if ! answer=$(curl -sS --fail-with-body "$control$path" "$@"); then
    printf '  %s\n' "$answer" >&2
    return 1
  fi
  # of the whole fault, what changes
  printf '  ... %s\n' "$(grep -oE '"state":"[a-z]+"|"counters":\{[^}]*\}\}' <<<"$answer" | paste -sd ' ' -)"
}

traffic() { "$java" -XX:TieredStopAtLevel=1 -jar examples/traffic/target/traffic.jar "$@"; }

order() {
  curl -sS -o "$logs/order" -H 'Content-Type: application/json' \
    -d '{"sku":"ladder","quantity":1}' "$shop/orders"
}

# a breaker lets a few calls through to try, and closes again if they go well
recover() {
  for _ in $(seq 50); do
    if curl -sS "$shop/resilience" | grep -q '"breaker":"CLOSED"'; then return; fi
    order
    sleep 0.1
  done
}

# scene absorbed|leaked WHAT ID FAULT: a hundred requests before, during and after a fault
scene() {
  local expected=$1 what=$2 id=$3 fault=$4 success verdict=leaked
  traffic "$shop" "$what" 100 before >"$logs/table"
  jinx /v1/faults -H 'Content-Type: application/json' -d "$fault"
  traffic "$shop" "$what" 100 during >"$logs/during"
  jinx "/v1/faults/$id"
  local counters=$answer
  jinx "/v1/faults/$id" -X DELETE
  recover
  traffic "$shop" "$what" 100 after >"$logs/after"

  echo
  traffic heading
  cat "$logs/table" "$logs/during" "$logs/after"
  success=$(awk '{ print $3 }' "$logs/during")
  if [[ $success == 100 ]]; then verdict=absorbed; fi
  if ! grep -qE '"injected": *[1-9]' <<<"$counters"; then verdict="never fired"; fi
  echo "  => $verdict"
  if [[ $verdict != "$expected" ]]; then
    echo "demo: expected: $expected" >&2
    surprises=$((surprises + 1))
  fi
}

if stale "$agent" agent/pom.xml agent/src ||
  stale examples/payments/target/payments.jar examples/payments/pom.xml examples/payments/src ||
  stale examples/traffic/target/traffic.jar examples/traffic/pom.xml examples/traffic/src ||
  stale examples/shop/target/shop.jar examples/shop/pom.xml examples/shop/src; then
  echo "building the agent and the example (the first time Maven downloads a good deal) ..."
  mvn -q -pl agent,examples/payments,examples/traffic,examples/shop -am package \
    -Dmaven.test.skip=true -Dspotless.check.skip=true
fi

"$java" -jar examples/payments/target/payments.jar 0 >"$logs/payments.log" 2>&1 &
started+=($!)
payments=$(await "$logs/payments.log" 'payments: ready on ([^ ]+)' $!)

"$java" -javaagent:"$agent"=port=0 -jar examples/shop/target/shop.jar \
  --server.port=0 --payments.url="$payments" ${profile[@]+"${profile[@]}"} \
  >"$logs/shop.log" 2>&1 &
started+=($!)
control=$(await "$logs/shop.log" 'jinx: ready on ([^ ]+)' $!)
shop=http://localhost:$(await "$logs/shop.log" 'Tomcat started on port ([0-9]+)' $!)
await "$logs/shop.log" '(Started Shop)' $! >"$logs/started"

echo "payments  $payments"
echo "shop      $shop      java -javaagent:$agent -jar shop.jar"
echo "jinx      $control"
traffic "$shop" orders 400 warm-up >"$logs/warm-up"
traffic "$shop" catalog 200 warm-up >"$logs/warm-up"

bold "1. Payments becomes slow: the timeout holds it, then the breaker spares the wait"
echo "   The shop waits 400 ms at most, and takes the order as pending (202) instead of paid (201)."
scene absorbed orders slow-payments '{
  "id": "slow-payments",
  "target": { "kind": "http", "method": "POST", "path": "/v1/charges" },
  "effect": { "latency": "2s" }
}'

bold "2. Payments answers 503 to two calls: the retry absorbs it"
scene absorbed orders payments-503 '{
  "id": "payments-503",
  "target": { "kind": "http", "method": "POST", "path": "/v1/charges" },
  "effect": { "response": { "status": 503 } },
  "selection": { "first": 2 }
}'

bold "3. The database loses connections in mid-query: the pool replaces them, the read is retried"
# PostgreSQL tells a lost connection by a code that HikariCP knows; H2 has codes of its own, 90121
# and 90067, on which HikariCP keeps the dead connection, for real too: try "connectionLost" and see it leak
lost='{ "sqlState": "08006", "message": "connection lost" }'
if ((${#profile[@]})); then lost='"connectionLost"'; fi
scene absorbed catalog lost-connections '{
  "id": "lost-connections",
  "target": { "kind": "jdbc", "statement": "select", "table": "products" },
  "effect": { "error": '"$lost"' },
  "selection": { "first": 2 }
}'

bold "4. Idle connections died overnight: the pool notices before anybody gets one"
sleep 0.6 # the pool trusts a connection that was used within the last 500 ms
scene absorbed catalog dead-connections '{
  "id": "dead-connections",
  "target": { "kind": "jdbc", "operation": "isValid" },
  "effect": { "error": "connectionLost" },
  "selection": { "first": 4 }
}'

bold "5. Storing an order runs into deadlocks: nobody retries the write, it leaks to the customers"
scene leaked orders deadlocks '{
  "id": "deadlocks",
  "target": { "kind": "jdbc", "statement": "insert", "table": "orders" },
  "effect": { "error": "deadlock" },
  "selection": { "rate": 0.25, "seed": 13 }
}'

bold "Done in $SECONDS s. What leaked is what to mend."
if $keep; then
  cat <<END

All is still up, until Ctrl-C. To play with:

  curl $shop/catalog
  curl $shop/orders -H 'Content-Type: application/json' -d '{"sku":"ladder","quantity":1}'
  curl $shop/resilience
  curl $control/v1/status
  curl $control/v1/faults -H 'Content-Type: application/json' -d '{"id":"flaky",
    "target":{"kind":"http","host":"localhost"},"effect":{"error":"connectionReset"},
    "selection":{"rate":0.5}}'
  java -jar examples/traffic/target/traffic.jar $shop orders 100 flaky
  curl -X DELETE $control/v1/faults/flaky
END
  wait "${started[@]}"
fi
exit $((surprises > 0))
