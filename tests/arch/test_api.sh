#!/bin/bash
# test_api.sh [BUILD] - what api/ promises is what the server has: routes and their query parameters,
# problem types and their statuses, examples.
set -u
cd "$(dirname "$0")/../.."
. tests/support/check.sh

# "METHOD PATH parameters": from the table of routes ...
routes_of_server() {
    awk '/^    \{"[A-Z]+", / { row = $0; while (row !~ /\},$/) { getline more; row = row more }; print row }' \
        server/handlers/api.c |
        sed -E 's/^ *\{"([A-Z]+)", "([^"]+)"(.*\.query = \{([^}]*)\})?.*/\1 \2 \4/; s/[",]//g; s/ +/ /g; s/ $//' | sort
}
# ... and from the description.
routes_of_description() {
    awk '
        # First the parameters that operations refer to: those of the query, by the name of the component.
        NR == FNR {
            if (/^    [A-Z][A-Za-z]*:$/) { component = $1; sub(/:/, "", component) }
            if (/^      name: /) name = $2
            if (/^      in: query/) shared[component] = name
            next
        }
        function flush() { if (method != "") print method " " path query; method = query = "" }
        /^(webhooks|components):/ { flush(); exit }
        /^  \// { flush(); path = $1; sub(/:$/, "", path) }
        /^    (get|post|put|patch|delete|options):/ { flush(); method = toupper($1); sub(/:/, "", method) }
        match($0, /parameters\/[A-Za-z]+/) {
            component = substr($0, RSTART + 11, RLENGTH - 11)
            if (component in shared) query = query " " shared[component]
        }
        /^        - name:/ { last = $3 }
        /^          in: query/ { query = query " " last }
    ' api/openapi.yaml api/openapi.yaml | sort
}
same "api/openapi.yaml has the routes and parameters of the server" "$(routes_of_server)" \
    "$(routes_of_description)"
check "there are routes to compare" test "$(routes_of_server | wc -l)" -ge 15

# What a route, which may have several lines, asks of its caller: "METHOD PATH" and the answers that refuse one; none:
# it is open.
access_of_server() {
    tr '\n' ' ' <server/handlers/api.c | sed -E 's/\{"([A-Z]+)", "\//\n&/g' |
        sed -nE 's/^\{"([A-Z]+)", "([^"]+)",(.*)/\1 \2 \3/p' |
        awk '{ print $1, $2 (/ACCESS_OPEN/ ? "" : " 401" (($1 != "GET" && !/ACCESS_ASKS/) || /ACCESS_OVERALL/ ? " 403" : "")) }' | sort
}
access_of_description() {
    awk '
        function flush() { if (method != "") print method " " path codes (open == (codes == "") ? "" : " ?"); method = codes = ""; open = 0 }
        /^(webhooks|components):/ { flush(); exit }
        /^  \// { flush(); path = $1; sub(/:$/, "", path) }
        /^    (get|post|put|patch|delete|options):/ { flush(); method = toupper($1); sub(/:/, "", method) }
        /^      security: \[\]/ { open = 1 }
        /^        .401.: .*Unauthorized/ { codes = codes " 401" }
        /^        .403.: .*Forbidden/ { codes = codes " 403" }
    ' api/openapi.yaml | sort
}
same "api/openapi.yaml says of whom the server asks a token" "$(access_of_server)" "$(access_of_description)"

# /reference reads the contract in the browser, and has a place for each operation by its id.
same "every operation has an id of its own" "$(routes_of_description | wc -l)" \
    "$(sed -n '/^webhooks:/q; s/^      operationId: //p' api/openapi.yaml | sort -u | wc -l)"
check "the dashboard leads to the page of the API" grep -q 'href="/reference"' server/web/index.html

problems_of_server() {
    sed -nE 's/^ *X\([A-Z_]+, ([0-9]{3}), "([a-z0-9-]+)",.*/\2 \1/p' server/http/problem.h
}
same "api/problems.md lists the problems of the server" "$(problems_of_server)" \
    "$(sed -nE 's/^\| `([a-z0-9-]+)` \| ([0-9]{3}) \|.*/\1 \2/p' api/problems.md)"

same "the schema of a job's order is JSON" 0 "$(jq -e . api/job-spec.schema.json >/dev/null; echo $?)"
for example in api/examples/*.json; do
    check "$example is JSON" jq -e . "$example" >/dev/null
    check "$example is used" grep -q "examples/$(basename "$example")" api/openapi.yaml
done
while read -r reference; do
    check "$reference is there" test -e "api/$reference"
done < <(grep -oE "'(examples/[a-z-]+|job-spec.schema).json'" api/openapi.yaml | tr -d "'" | sort -u)
# References inside the description lead somewhere.
while read -r name; do
    check "the component $name is there" grep -qE "^    ${name##*/}:" api/openapi.yaml
done < <(grep -oE '#/components/[a-zA-Z/]+' api/openapi.yaml | sort -u)
finish
