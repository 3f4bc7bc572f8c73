#!/bin/bash
# test_server_integrity.sh [BUILD] - bodies are checked against the digests that are sent with them (RFC 9530),
# what is too large is refused before it is sent, and requests have ids.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
make_inputs 40 10
start --max-upload-bytes 1M
model_file=$dir/resnet8.onnx
right=$(openssl dgst -sha256 -binary "$model_file" | base64 -w0)
wrong=$(printf other | openssl dgst -sha256 -binary | base64 -w0)

# sends WHAT HEADER: a model under that header.
sends() { call POST /v1/models --data-binary "@$model_file" -H "$1"; }

# ---- digests ---------------------------------------------------------------------------------
for field in Content-Digest Repr-Digest; do
    sends "$field: sha-256=:$wrong:"
    refused "a $field that is another's" 400 digest-mismatch "what came has $(sum_of "$model_file")"
    holds "$field: it says what was expected" "$(printf other | sha256sum | cut -d' ' -f1)" "$(<"$dir/body")"
done
same "nothing of them is stored" 0 "$(stored_blobs)"
check "no temporary file is left" wait_for 5 no_temporary_files
for bad in "sha-256=$right" "sha-256=:$right" "sha-256=:!!!!:" "sha-256=:$(printf short | base64):" "sha-256" \
    "=:$right:" "sha-256=:$right: sha-512=:AA==:" "sha-512=:AA==:, " ",sha-256=:$right:"; do
    sends "Content-Digest: $bad"
    refused "Content-Digest: $bad" 400 bad-header "sha-256=:BASE64"
done
same "nothing of those is stored" 0 "$(stored_blobs)"
sends "Content-Digest: md5=:AAAA:, unixsum=:AAAA:"
same "what has algorithms alone that are not looked at is taken" 201 "$status"
sends "Content-Digest: md5=:AAAA: ,	sha-256=:$right:"
same "the right digest behind another is taken" 201 "$status"
sends "Content-Digest: other=\"a,b\\\",c\", flag, number=1;p=2, sha-256=:$right:;p=1"
same "members that are nobody's business may be of any kind" 201 "$status"
sends "Repr-Digest: sha-256=:$right:"
same "the right Repr-Digest is taken" 201 "$status"
call POST /v1/jobs -d '{}' -H "Content-Digest: sha-256=:$wrong:"
refused "the digest of an order is checked as well" 400 digest-mismatch "Content-Digest"
call POST /v1/jobs -d '{}' -H "Content-Digest: sha-256=:$(printf '{}' | openssl dgst -sha256 -binary | base64):"
same "with the right one the order is judged itself" 422 "$status"

# The longer digest, alone or beside the other.
right_512=$(openssl dgst -sha512 -binary "$model_file" | base64 -w0)
wrong_512=$(printf other | openssl dgst -sha512 -binary | base64 -w0)
stored=$(stored_blobs)
for field in Content-Digest Repr-Digest; do
    sends "$field: sha-512=:$wrong_512:"
    refused "a SHA-512 in $field that is another's" 400 digest-mismatch \
        "SHA-512 $(printf other | sha512sum | cut -d' ' -f1), what came has $(sha512sum <"$model_file" | cut -d' ' -f1)"
    sends "$field: sha-256=:$right:, sha-512=:$wrong_512:"
    refused "$field with one right and one wrong" 400 digest-mismatch SHA-512
    sends "$field: sha-512=:$right_512:, sha-256=:$right:"
    same "$field with both right is taken" 201 "$status"
done
sends "Content-Digest: sha-512=:$right:"
refused "32 bytes as SHA-512" 400 bad-header "sha-512=:BASE64 OF 64 BYTES:"
same "what is refused is not stored" "$stored" "$(stored_blobs)"
call POST /v1/jobs -d '{}' -H "Content-Digest: sha-512=:$(printf '{}' | openssl dgst -sha512 -binary | base64 -w0):"
same "of an order too" 422 "$status"
call POST /v1/jobs -d '{ }' -H "Content-Digest: sha-512=:$(printf '{}' | openssl dgst -sha512 -binary | base64 -w0):"
refused "of another order" 400 digest-mismatch SHA-512

# Images of a prediction.
sends "Accept: */*"
model=$(field .id)
"$build/photo_maker" "$dir/photo.jpg"
call POST "/v1/models/$model/predict" --data-binary "@$dir/photo.jpg" -H "Content-Digest: sha-256=:$wrong:"
refused "an image that is another's" 400 digest-mismatch "what came has $(sum_of "$dir/photo.jpg")"
call POST "/v1/models/$model/predict" --data-binary "@$dir/photo.jpg" -H "Content-Digest: sha-512=:$wrong_512:"
refused "by the longer digest" 400 digest-mismatch "SHA-512"
for algorithm in sha256 sha512; do
    call POST "/v1/models/$model/predict" --data-binary "@$dir/photo.jpg" \
        -H "Content-Digest: ${algorithm/sha/sha-}=:$(openssl dgst "-$algorithm" -binary "$dir/photo.jpg" | base64 -w0):"
    same "with its own $algorithm it is classified" "200 1" "$status $(field '.items | length')"
done
check "no temporary file is left" wait_for 5 no_temporary_files

# What a client wants of a file.
# wanted PREFERENCES [CURL_OPTION...]: Repr-Digest of the model.
wanted() {
    call GET "/v1/models/$model/content" -H "Want-Repr-Digest: $1" "${@:2}"
    header Repr-Digest
}
same "the longer digest where it is wanted" "sha-512=:$right_512:" "$(wanted 'sha-512=3')"
same "and where it is preferred" "sha-512=:$right_512:" "$(wanted 'unixsum=10, sha-256=2, sha-512=3;p')"
check "with the file itself" cmp -s "$dir/body" "$model_file"
for want in 'sha-256=10, sha-512=3' 'sha-512=3, sha-256=3' 'sha-512=0' 'md5=5' 'sha-512=11' 'sha-512' 'sha-512=3,'; do
    same "the usual one for '$want'" "sha-256=:$right:" "$(wanted "$want")"
done
same "of a part it is the whole file's" "sha-512=:$right_512:" "$(wanted 'sha-512=1' -H 'Range: bytes=1-9')"
call GET "/v1/models/$model/content"
same "what is sent has its digest, too" "sha-256=:$right:" "$(header Content-Digest)"
same "which is that of the bytes" "$right" "$(openssl dgst -sha256 -binary "$dir/body" | base64)"
call GET "/v1/models/$model/content" -H 'Want-Content-Digest: sha-512=1'
same "each by its own preference" "sha-512=:$right_512: sha-256=:$right:" "$(header Content-Digest) $(header Repr-Digest)"
call GET "/v1/models/$model/content" -H 'Range: bytes=1-9'
same "a part has none, since it is not hashed" "206 " "$status $(header Content-Digest)"
call GET "/v1/models/$model/content" -H "Range: bytes=1-9" -H 'If-Range: "other"'
same "but all of the file instead of one has" "200 sha-256=:$right:" "$status $(header Content-Digest)"
call HEAD "/v1/models/$model/content" -I -H 'Want-Content-Digest: sha-512=1'
same "nor has HEAD, which sends none" "200 sha-256=:$right: " "$status $(header Repr-Digest) $(header Content-Digest)"
call GET "/v1/models/$model/content" -H 'Want-Repr-Digest: sha-512=1' -H "If-None-Match: \"$(sum_of "$model_file")\""
same "what the client has is not sent, nor its digest" "304 " "$status $(header Content-Digest)$(header Repr-Digest)"
call GET /v1/models -H 'Want-Repr-Digest: sha-512=1'
same "an answer that is no file has none" "200 " "$status $(header Repr-Digest)"

# ---- too large -------------------------------------------------------------------------------
head -c 2097152 /dev/zero >"$dir/large"
sent=$(curl -s -o "$dir/body" -w '%{http_code} %{size_upload}' -H 'Expect: 100-continue' \
    --expect100-timeout 60 --data-binary "@$dir/large" "$url/v1/models")
same "who waits for 100 Continue is refused before a byte is sent" "413 0" "$sent"

# ---- ids of requests -------------------------------------------------------------------------
call GET /healthz -H "X-Request-Id: deploy-42.A_b"
same "a client's id comes back" "deploy-42.A_b" "$(header X-Request-Id)"
call GET /v1/jobs/job_none -H "X-Request-Id: deploy-43"
same "with a refusal, too" "404 deploy-43" "$status $(header X-Request-Id)"
same "which names it" deploy-43 "$(field .request_id)"
in_log() { grep -q '"request":"deploy-43"' "$dir/log"; }
check "the log has it" wait_for 5 in_log
for bad in "" "with space" "$(printf 'x%.0s' {1..65})" 'quote"'; do
    call GET /healthz -H "X-Request-Id: $bad"
    check "one is made in place of '$bad'" grep -qE '^req_[0-9a-f]{24}$' <<<"$(header X-Request-Id)"
done
call GET /healthz
first=$(header X-Request-Id)
call GET /v1/jobs/job_none
same "one that was made is named as well" "$(header X-Request-Id)" "$(field .request_id)"
call GET /healthz
check "no two are the same" test "$first" != "$(header X-Request-Id)"
finish
