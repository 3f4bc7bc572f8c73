# onnx.sh - writes small ONNX models field by field (protobuf wire format; field numbers from onnx.proto),
# for tests that need a model which is wrong in one chosen way. Values are strings of hexadecimal digits.

hex_text() { printf %s "$1" | od -An -v -tx1 | tr -d ' \n'; }

hex_varint() {
    local n=$1
    while [ "$n" -ge 128 ]; do
        printf %02x $((n & 127 | 128))
        n=$((n >> 7))
    done
    printf %02x "$n"
}

# pb_bytes FIELD HEX, pb_text FIELD TEXT, pb_number FIELD NUMBER
pb_bytes() { hex_varint $(($1 << 3 | 2)) && hex_varint $((${#2} / 2)) && printf %s "$2"; }
pb_text() { pb_bytes "$1" "$(hex_text "$2")"; }
pb_number() { hex_varint $(($1 << 3)) && hex_varint "$2"; }

# onnx_node OPERATOR NAME OUTPUT INPUT...: one field of a graph.
onnx_node() {
    local operator=$1 name=$2 output=$3 node=
    shift 3
    for input in "$@"; do
        node+=$(pb_text 1 "$input")
    done
    pb_bytes 1 "$node$(pb_text 2 "$output")$(pb_text 3 "$name")$(pb_text 4 "$operator")"
}

# onnx_value FIELD NAME DIM...: an input (field 11) or output (12) of floats; DIM is a number or N.
onnx_value() {
    local field=$1 name=$2 shape= dim
    shift 2
    for dim in "$@"; do
        case $dim in
        N) shape+=$(pb_bytes 1 "$(pb_text 2 N)") ;;
        *) shape+=$(pb_bytes 1 "$(pb_number 1 "$dim")") ;;
        esac
    done
    pb_bytes "$field" "$(pb_text 1 "$name")$(pb_bytes 2 \
        "$(pb_bytes 1 "$(pb_number 1 1)$(pb_bytes 2 "$shape")")")"
}

# onnx_weight NAME DIM...: an initialiser of zeros.
onnx_weight() {
    local name=$1 tensor= size=4 dim
    shift
    for dim in "$@"; do
        tensor+=$(pb_number 1 "$dim")
        size=$((size * dim))
    done
    tensor+=$(pb_number 2 1)$(pb_text 8 "$name")$(pb_bytes 9 "$(printf "%0$((2 * size))d" 0)")
    pb_bytes 5 "$tensor"
}

# onnx_model GRAPH_FIELDS >FILE: IR 8, opset 13.
onnx_model() {
    local model
    model=$(pb_number 1 8)$(pb_bytes 7 "$1$(pb_text 2 graph)")$(pb_bytes 8 "$(pb_number 2 13)")
    printf "$(sed 's/../\\x&/g' <<<"$model")"
}
