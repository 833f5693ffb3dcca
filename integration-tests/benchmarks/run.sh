#!/usr/bin/env bash
# Measures what Jinx costs and prints it as Markdown, with the budgets beside it.
#
#   ./integration-tests/benchmarks/run.sh [--smoke] [startup|calls|delays|networks|all]
#
# --smoke tries only that everything works: its figures mean nothing. On the JDK of JAVA_HOME or
# PATH, and on that of JAVA25_HOME too where it is set.
set -euo pipefail
cd "$(dirname "$0")/../.."

smoke=false
what=all
for word in "$@"; do
  case $word in
    --smoke) smoke=true ;;
    startup | calls | delays | networks | all) what=$word ;;
    *)
      sed -n '2,7s/^# \{0,1\}//p' integration-tests/benchmarks/run.sh
      exit 2
      ;;
  esac
done

benchmarks=integration-tests/benchmarks/target
agent=agent/target/jinx-agent.jar

# is the jar missing, or older than anything it is built from?
stale() {
  local jar=$1
  shift
  [[ ! -f $jar || -n $(find pom.xml "$@" -type f -newer "$jar" -print -quit) ]]
}

if stale "$agent" agent/pom.xml agent/src ||
  stale examples/shop/target/shop.jar examples/shop/pom.xml examples/shop/src ||
  stale "$benchmarks/jinx-benchmarks.jar" integration-tests/benchmarks/{pom.xml,src}; then
  echo "building the agent, the shop and the benchmarks ..." >&2
  mvn -q -pl agent,examples/shop,integration-tests/benchmarks -am package \
    -Dmaven.test.skip=true -Dspotless.check.skip=true
fi

# measure MAIN OPTION...: runs a class of the benchmarks on each JDK
measure() {
  local main=dev.jinx.benchmarks.$1 home
  shift
  for home in "${JAVA_HOME:-}" ${JAVA25_HOME:+"$JAVA25_HOME"}; do
    "${home:+$home/bin/}java" -Djinx.benchmarks.smoke=$smoke "$@" \
      -cp "$benchmarks/jinx-benchmarks.jar:$benchmarks/lib/*" "$main"
  done
}

if [[ $what == startup || $what == all ]]; then measure StartUp; fi
if [[ $what == calls || $what == all ]]; then measure CallCosts; fi
if [[ $what == networks || $what == all ]]; then measure Networks; fi
if [[ $what == delays || $what == all ]]; then measure Delays -Dsun.net.inetaddr.ttl=-1 "-javaagent:$agent=port=off,log=warn"; fi
