# fsnet: libfsnet (engine/), fsnet (engine/cli/), fsnetd (server/).
#
#   make deps          installs what a build and the tests need (Debian 12, apt)
#   make               builds build/fsnet and build/fsnetd
#   make test          installs, builds and runs every test
#   make check         runs every test, installing nothing
#   make unit          the unit, gradient and golden tests alone
#   make asan          the tests of the code again, under ASan + UBSan
#   make asan-service  the service under ASan + UBSan: its tests, the README's tour, the dashboard
#   make tsan          those of the threads again, under TSan
#   make fuzz          libFuzzer on every tests/fuzz target in turn, under ASan + UBSan (clang)
#   make browser       the dashboard in a real Chromium (node, chromium, playwright-core)
#   make screenshots the pictures of the README, docs/dashboard-*.png, in the same way
#   make demo          runs the main job end to end on data that the project draws itself
#   make bench         speed of training and inference: a table;  make bench-peer: beside PyTorch
#   make golden-ssd300 the whole SSD300 beside PyTorch: outputs, a training step, every gradient
#   make bench-quality accuracy at a size, on CIFAR-10: hours; QUICK=1: that it runs
#   make bench-detector  a detector on BCCD, through the service: mAP before and after
#   make format-check  clang-format, changing nothing;  make tidy: clang-tidy
#   make man           man pages of both programs, in build/man
#   make install       programs, library, header, shell completion and man pages into $(DESTDIR)$(PREFIX)
#
# Variables: BUILD (output folder), CC, KERNEL_CC (engine/kernels/isa, amx), SAN=1 (ASan + UBSan, into build-asan),
# SAN=thread (TSan, into build-tsan), SAN=fuzz (libFuzzer, into build-fuzz), WERROR=1, V=1 (show the commands).
# SERVICE_TESTS="tests/integration/test_server_job.sh", BROWSER_TESTS="test_main.mjs" (none: nothing): these alone of
# `make asan-service`. FUZZ_SECONDS= (60) for each target, FUZZ_TARGETS="onnx data" choose what `make fuzz` does.

# $(call run,WORD,COMMAND): the command, shown as "WORD target" unless V=1.
run = $(if $(V),$(2),@printf '  %-7s %s\n' $(1) $@; $(2))

.DELETE_ON_ERROR:
.SUFFIXES:
SHELL := /bin/bash

ifdef SAN
ifeq ($(SAN),thread)
BUILD ?= build-tsan
SAN_FLAGS := -fsanitize=thread
else
BUILD ?= $(if $(filter fuzz,$(SAN)),build-fuzz,build-asan)
SAN_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
# Coverage is counted in all code; libFuzzer's main is linked into the targets alone.
SAN_FLAGS += $(if $(filter fuzz,$(SAN)),-fsanitize=fuzzer-no-link)
endif
endif
BUILD ?= build
CC = $(if $(filter fuzz,$(SAN)),clang,gcc)
PACKAGES_ENGINE := libprotobuf-c libarchive zlib jansson openblas libjpeg libpng expat nettle
PACKAGES_CLI := libcurl nettle
PACKAGES_SERVER := libmicrohttpd gnutls sqlite3 libuv nettle libcurl

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Wformat=2 $(if $(WERROR),-Werror)
# No contraction of a*b+c and no -ffast-math: results are the same from every compiler.
CFLAGS ?= $(if $(filter fuzz,$(SAN)),-O1,-O3) -g
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE $(CFLAGS) -ffp-contract=off -fno-math-errno -fPIC -pthread \
	-fstack-protector-strong $(WARNINGS) $(SAN_FLAGS) -MMD -MP \
	-Iengine/include -Iengine -I$(BUILD)/gen $(PKG_CFLAGS)
PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES_ENGINE) $(PACKAGES_SERVER) 2>/dev/null)
LIBS_ENGINE = $(shell pkg-config --libs $(PACKAGES_ENGINE)) -lm -pthread
LIBS_CLI = $(shell pkg-config --libs $(PACKAGES_CLI))
LIBS_SERVER = $(shell pkg-config --libs $(PACKAGES_SERVER))
LDFLAGS_ALL = $(LDFLAGS) $(SAN_FLAGS) -Wl,-z,relro,-z,now -pthread

ENGINE_SRC := $(filter-out engine/cli/%,$(wildcard engine/*/*.c))
CLI_SRC := $(wildcard engine/cli/*.c)
SERVER_SRC := $(wildcard server/*.c server/*/*.c)
ENGINE_OBJ := $(ENGINE_SRC:%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/gen/onnx.pb-c.o
# The convolution kernels: each file once for every instruction set, chosen when the program runs.
# clang where there is one: from the same vector code gcc 12 makes a GEMM 5-15 % slower and Winograd's
# output transform half as fast (spills). Either compiler's kernels are correct. Here alone a*b+c may
# become one FMA, which is most of the speed. Under the sanitizers one compiler does all, as the two
# run-time libraries do not mix, and takes a minute for an unrolled file at -O3, six seconds at -O1.
# For libFuzzer that is clang, which takes minutes from -O1 on; coverage is not counted in kernels,
# since what an input changes there is how often they run.
PLAIN_CC := $(or $(shell command -v clang),$(CC))
KERNEL_CC := $(if $(SAN),$(CC),$(PLAIN_CC))
ISA_SAN := $(if $(SAN),$(if $(filter fuzz,$(SAN)),-O0 -fno-sanitize=fuzzer-no-link,-O1))
ISA_LEVELS := $(if $(findstring x86_64,$(shell $(CC) -dumpmachine)),avx512 avx2) baseline
ISA_FLAGS_avx512 := -mavx512f -mavx512vl -mavx512dq -mavx512bw -mfma
ISA_FLAGS_avx2 := -mavx2 -mfma
ISA_FLAGS_baseline :=
ISA_SRC := $(wildcard engine/kernels/isa/*.c)
KERNEL_OBJ := $(foreach isa,$(ISA_LEVELS),$(ISA_SRC:%.c=$(BUILD)/obj/%.$(isa).o))
# Those of the matrix unit, for its one level.
ISA_FLAGS_amx := $(ISA_FLAGS_avx512) -mavx512bf16 -mamx-tile -mamx-bf16
AMX_SRC := $(if $(filter avx512,$(ISA_LEVELS)),$(wildcard engine/kernels/amx/*.c))
KERNEL_OBJ += $(AMX_SRC:%.c=$(BUILD)/obj/%.o)
ENGINE_OBJ += $(KERNEL_OBJ)
# ASan and UBSan make training 25 times slower, by what they do in kernels. So the programs of such a build have kernels
# without (found before those of the library); the tests of the code have them with.
PLAIN_OBJ := $(if $(filter 1,$(SAN)),$(KERNEL_OBJ:$(BUILD)/obj/%=$(BUILD)/obj/plain/%))
CLI_OBJ := $(CLI_SRC:%.c=$(BUILD)/obj/%.o)
SERVER_OBJ := $(SERVER_SRC:%.c=$(BUILD)/obj/%.o)
MIGRATIONS := $(sort $(wildcard migrations/*.sql))
# What the server has of the dashboard and of the contract.
WEB_FILES := $(sort $(wildcard $(addprefix server/web/*.,html css js svg) \
	$(addprefix server/web/vendor/*.,css js txt))) api/openapi.yaml api/problems.md \
	api/job-spec.schema.json \
	$(sort $(wildcard api/examples/*.json))

.PHONY: all
all: $(BUILD)/fsnet $(BUILD)/fsnetd

$(BUILD)/libfsnet.a: $(ENGINE_OBJ)
	@rm -f $@
	$(call run,AR,ar rcs $@ $^)
$(BUILD)/fsnet: $(CLI_OBJ) $(PLAIN_OBJ) $(BUILD)/libfsnet.a
	$(call run,LINK,$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_CLI) $(LIBS_ENGINE))
# All of the server but main(), for the program and for its tests.
$(BUILD)/libfsnetd.a: $(filter-out %/server/main.o,$(SERVER_OBJ)) $(BUILD)/obj/gen/migrations.o \
		$(BUILD)/obj/gen/web_files.o
	@rm -f $@
	$(call run,AR,ar rcs $@ $^)
$(BUILD)/fsnetd: $(BUILD)/obj/server/main.o $(PLAIN_OBJ) $(BUILD)/libfsnetd.a $(BUILD)/libfsnet.a
	$(call run,LINK,$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_SERVER) $(LIBS_ENGINE))
# The server sees the engine through its public header alone.
SERVER_CFLAGS = $(filter-out -Iengine,$(ALL_CFLAGS)) -Iserver

# migrations/NNNN_name.sql, embedded as text and listed in order in srv_migrations[]. A folder changes with the names in it.
$(BUILD)/gen/migrations.c: $(MIGRATIONS) $(sort $(dir $(MIGRATIONS))) server/store/embed_migrations.sh
	@mkdir -p $(@D)
	$(call run,EMBED,server/store/embed_migrations.sh $(MIGRATIONS) >$@)
# The same for the dashboard, into srv_web_files[] (handlers/web.h).
$(BUILD)/gen/web_files.c: $(WEB_FILES) $(sort $(dir $(WEB_FILES))) server/handlers/embed_web.sh
	@mkdir -p $(@D)
	$(call run,EMBED,server/handlers/embed_web.sh $(WEB_FILES) >$@)
$(BUILD)/obj/gen/migrations.o $(BUILD)/obj/gen/web_files.o: $(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c
	@mkdir -p $(@D)
	$(call run,CC,$(CC) $(SERVER_CFLAGS) -c -o $@ $<)

$(BUILD)/gen/onnx.pb-c.c $(BUILD)/gen/onnx.pb-c.h &: engine/onnx/onnx.proto
	@mkdir -p $(@D)
	$(call run,PROTOC,protoc-c --proto_path=engine/onnx --c_out=$(BUILD)/gen onnx.proto)
# Generated code is compiled without our warnings.
$(BUILD)/obj/gen/onnx.pb-c.o: $(BUILD)/gen/onnx.pb-c.c
	@mkdir -p $(@D)
	$(call run,CC,$(CC) $(ALL_CFLAGS) -w -c -o $@ $<)
$(BUILD)/obj/server/%.o: server/%.c
	@mkdir -p $(@D)
	$(call run,CC,$(CC) $(SERVER_CFLAGS) -c -o $@ $<)
$(BUILD)/obj/%.o: %.c | $(BUILD)/gen/onnx.pb-c.h
	@mkdir -p $(@D)
	$(call run,CC,$(CC) $(ALL_CFLAGS) -c -o $@ $<)

# $(call kernel_rule,OBJECTS,SOURCES,LEVEL,COMPILER,FLAGS)
define kernel_rule
$(1): $(2)
	@mkdir -p $$(@D)
	$$(call run,CC,$(4) $$(ALL_CFLAGS) -ffp-contract=fast -DFSN__ISA=$(3) $(5) -c -o $$@ $$<)
endef
# $(call kernel_rules,FOLDER,COMPILER,FLAGS)
define kernel_rules
$(foreach isa,$(ISA_LEVELS),$(eval $(call kernel_rule,$(1)/engine/kernels/isa/%.$(isa).o,engine/kernels/isa/%.c,$(isa),$(2),$(ISA_FLAGS_$(isa)) $(3))))
$(eval $(call kernel_rule,$(1)/engine/kernels/amx/%.o,engine/kernels/amx/%.c,avx512,$(2),$(ISA_FLAGS_amx) $(3)))
endef
$(eval $(call kernel_rules,$(BUILD)/obj,$(KERNEL_CC),$(ISA_SAN)))
$(eval $(call kernel_rules,$(BUILD)/obj/plain,$(PLAIN_CC),-fno-sanitize=all))

# ---- tests: every tests/{unit,grad,golden}/test_*.c is one cmocka program; a tests/fuzz/fuzz_*.c
# runs its target over its corpus ----------------------------------------------------------------
TEST_SRC := $(wildcard tests/unit/test_*.c tests/grad/test_*.c tests/golden/test_*.c \
	tests/fuzz/fuzz_*.c)
TEST_BIN := $(TEST_SRC:tests/%.c=$(BUILD)/tests/%)
SUPPORT_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/support/*.c))
SRV_TEST_BIN := $(filter $(BUILD)/tests/unit/test_srv_% $(BUILD)/tests/fuzz/fuzz_srv_%,$(TEST_BIN))
SRV_SUPPORT_OBJ := $(filter %/srv_fixture.o,$(SUPPORT_OBJ))
ENGINE_SUPPORT_OBJ := $(filter-out $(SRV_SUPPORT_OBJ),$(SUPPORT_OBJ))
CLI_TEST_BIN := $(filter $(BUILD)/tests/unit/test_cli_%,$(TEST_BIN))
$(filter-out $(SRV_TEST_BIN) $(CLI_TEST_BIN),$(TEST_BIN)): $(BUILD)/tests/%: $(BUILD)/obj/tests/%.o \
		$(ENGINE_SUPPORT_OBJ) $(BUILD)/libfsnet.a
	@mkdir -p $(@D)
	$(call run,LINK,$(CC) $(LDFLAGS_ALL) -o $@ $^ -lcmocka $(LIBS_ENGINE))
$(SRV_TEST_BIN): $(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(SUPPORT_OBJ) \
		$(BUILD)/libfsnetd.a $(BUILD)/libfsnet.a
	@mkdir -p $(@D)
	$(call run,LINK,$(CC) $(LDFLAGS_ALL) -o $@ $^ -lcmocka $(LIBS_SERVER) $(LIBS_ENGINE))
$(BUILD)/obj/tests/%.o: ALL_CFLAGS += -Itests/support -Iserver
# All of the command line but main().
$(CLI_TEST_BIN): $(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(filter-out %/main.o,$(CLI_OBJ)) \
		$(BUILD)/libfsnet.a
	@mkdir -p $(@D)
	$(call run,LINK,$(CC) $(LDFLAGS_ALL) -o $@ $^ -lcmocka $(LIBS_CLI) $(LIBS_ENGINE))
ifeq ($(SAN),fuzz)
$(BUILD)/obj/tests/fuzz/%.o: ALL_CFLAGS += -DFSN_LIBFUZZER
$(BUILD)/tests/fuzz/%: LDFLAGS_ALL += -fsanitize=fuzzer
$(BUILD)/tests/fuzz/fuzz_onnx: $(BUILD)/obj/tests/fuzz/mutate_onnx.o
endif
# Times of the convolution kernels, layer by layer.
$(BUILD)/bench_conv: $(BUILD)/obj/tests/bench/bench_conv.o $(BUILD)/libfsnet.a
	$(call run,LINK,$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_ENGINE))
# Clients of events that do nothing, for tests/bench/http.sh.
$(BUILD)/idle_clients: $(BUILD)/obj/tests/bench/idle_clients.o
	$(call run,LINK,$(CC) $(LDFLAGS_ALL) -o $@ $^)
# ONNX's own operator test cases, run by tests/conformance/test_onnx_nodes.sh.
$(BUILD)/onnx-conformance: $(BUILD)/obj/tests/conformance/onnx_conformance.o $(BUILD)/libfsnet.a
	$(call run,LINK,$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_ENGINE))
# Photographs for tests/integration.
$(BUILD)/photo_maker: $(BUILD)/obj/tests/integration/photo_maker.o $(ENGINE_SUPPORT_OBJ) \
		$(BUILD)/libfsnet.a
	$(call run,LINK,$(CC) $(LDFLAGS_ALL) -o $@ $^ -lcmocka $(LIBS_ENGINE))
# Detectors that decode inside.
$(BUILD)/tail_maker: $(BUILD)/obj/tests/integration/tail_maker.o \
		$(BUILD)/obj/tests/support/decode_tail.o $(BUILD)/libfsnet.a
	$(call run,LINK,$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_ENGINE))
# The whole SSD300 against PyTorch, where test_ssd.c has narrower layers.
GOLDEN_SSD300 := $(BUILD)/golden/ssd300_table.h
$(GOLDEN_SSD300): tests/golden/ssd_outputs.py tests/golden/named_noise.py
	@mkdir -p $(@D)
	@tests/install_deps.sh python3-torch
	$(call run,GOLDEN,/usr/bin/python3 $< 64 $@ 200)
$(BUILD)/obj/tests/golden/test_ssd300.o: tests/golden/test_ssd.c $(GOLDEN_SSD300)
	@mkdir -p $(@D)
	$(call run,CC,$(CC) $(ALL_CFLAGS) -I$(BUILD)/golden -DSSD_TABLE='"ssd300_table.h"' -c -o $@ $<)
$(BUILD)/golden/test_ssd300: $(BUILD)/obj/tests/golden/test_ssd300.o $(ENGINE_SUPPORT_OBJ) $(BUILD)/libfsnet.a
	$(call run,LINK,$(CC) $(LDFLAGS_ALL) -o $@ $^ -lcmocka $(LIBS_ENGINE))
.PHONY: golden-ssd300
golden-ssd300: $(BUILD)/golden/test_ssd300
	@$<
# What detectors see and say, for tests/onnxruntime.
$(BUILD)/detection_dump: $(BUILD)/obj/tests/onnxruntime/detection_dump.o $(BUILD)/libfsnet.a
	$(call run,LINK,$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_ENGINE))
# A receiver of webhooks for tests/integration.
$(BUILD)/hook_receiver: $(BUILD)/obj/tests/integration/hook_receiver.o
	$(call run,LINK,$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_SERVER))
.PHONY: unit
unit: $(TEST_BIN)
	@fail=0; for t in $(TEST_BIN); do echo "== $$t"; $$t || fail=1; done; exit $$fail

# ---- what people call ---------------------------------------------------------------------------
DEBIAN_PACKAGES := gcc clang libc6-dev make pkg-config curl jq xz-utils zip protobuf-c-compiler \
	libprotobuf-c-dev libarchive-dev zlib1g-dev libjpeg62-turbo-dev libpng-dev libexpat1-dev \
	libjansson-dev libopenblas-dev \
	libmicrohttpd-dev libgnutls28-dev libsqlite3-dev libuv1-dev nettle-dev libcmocka-dev \
	libcurl4-gnutls-dev

.PHONY: deps test check asan tsan fuzz browser demo install format-check tidy clean
deps:
	@tests/install_deps.sh $(DEBIAN_PACKAGES)

# Two steps: the second one reads pkg-config anew, after everything is installed.
test: deps
	@$(MAKE) --no-print-directory check
demo: deps
	@$(MAKE) --no-print-directory all
	deploy/demo.sh $(BUILD)

check: all $(TEST_BIN) $(BUILD)/onnx-conformance $(BUILD)/photo_maker $(BUILD)/hook_receiver \
		$(BUILD)/tail_maker
	@tests/run_all.sh $(BUILD) $(TEST_BIN)
# SHOTS=FOLDER keeps pictures of pages.
browser: all
	@tests/browser/run.sh $(BUILD)
# The pictures of the README anew.
.PHONY: screenshots
screenshots: all
	@TESTS=screenshots.mjs tests/browser/run.sh $(BUILD)
asan:
	@$(MAKE) --no-print-directory SAN=1 BUILD=build-asan check-code
SERVICE_TESTS ?= $(addprefix tests/integration/,test_readme_tour.sh test_runbook.sh test_proxy.sh) \
	$(wildcard tests/integration/test_server_*.sh tests/integration/test_remote*.sh)
BROWSER_TESTS ?= $(notdir $(wildcard tests/browser/test_*.mjs))
.PHONY: asan-service check-service
asan-service:
	@$(MAKE) --no-print-directory SAN=1 BUILD=build-asan check-service
check-service: all $(BUILD)/photo_maker $(BUILD)/hook_receiver $(BUILD)/tail_maker
	@SERVICE_TESTS="$(SERVICE_TESTS)" BROWSER_TESTS="$(filter-out none,$(BROWSER_TESTS))" \
		tests/run_service.sh $(BUILD)
tsan:
	@$(MAKE) --no-print-directory SAN=thread BUILD=build-tsan check-threads
.PHONY: check-code
check-code: $(BUILD)/fsnet $(TEST_BIN)
	@tests/run_all.sh --code $(BUILD) $(TEST_BIN)
# What runs on several threads: the pool, every kernel through one run of training, the queue.
THREAD_TESTS := $(addprefix $(BUILD)/tests/,unit/test_pool unit/test_cores unit/test_resume \
	unit/test_srv_body unit/test_srv_offload unit/test_srv_queue unit/test_srv_spool golden/test_trajectory)
.PHONY: check-threads
check-threads: $(THREAD_TESTS)
	@fail=0; for t in $(THREAD_TESTS); do TSAN_OPTIONS=halt_on_error=1 $$t || fail=1; done; exit $$fail
# Each target in turn from its corpus, for FUZZ_SECONDS; new inputs are kept in build-fuzz/corpus, what
# fails, and what takes longer than ten seconds, in build-fuzz/found.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz:
	@$(MAKE) --no-print-directory SAN=fuzz BUILD=build-fuzz fuzz-run
.PHONY: fuzz-run
fuzz-run: $(FUZZ_TARGETS:%=$(BUILD)/tests/fuzz/fuzz_%)
	@mkdir -p $(BUILD)/found $(FUZZ_TARGETS:%=$(BUILD)/corpus/%)
	@fail=0; for t in $(FUZZ_TARGETS); do echo "== $$t"; \
		$(BUILD)/tests/fuzz/fuzz_$$t -max_total_time=$(FUZZ_SECONDS) -timeout=10 \
			-rss_limit_mb=2048 -malloc_limit_mb=1024 -verbosity=0 -print_final_stats=1 \
			-artifact_prefix=$(BUILD)/found/$$t- $(BUILD)/corpus/$$t tests/fuzz/corpus/$$t \
		|| fail=1; done; exit $$fail

# NETS="resnet20 resnet18", STEPS=, ROUNDS=, THREADS= choose what is measured and for how long.
.PHONY: bench bench-peer bench-quality bench-detector bench-http
bench: all
	@tests/bench/bench.sh $(BUILD)
# Debian's Python, which its PyTorch belongs to.
bench-peer: $(BUILD)/fsnet
	@tests/install_deps.sh python3-torch
	@/usr/bin/python3 tests/bench/compare.py --fsnet $(BUILD)/fsnet --out $(BUILD)/bench \
		$(if $(NETS),--nets "$(NETS)") $(if $(STEPS),--steps $(STEPS)) \
		$(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(THREADS),--threads $(THREADS))

# SETS="targets ablation", SEEDS="1 2 3", EPOCHS=, OUT=; a row that is done is not run again.
bench-quality: all
	@tests/bench/quality.sh $(BUILD)

# EPOCHS=, BASELINE=, OUT=, and ORT_DIR= for the column of ONNX Runtime.
bench-detector: all $(BUILD)/detection_dump
	@tests/bench/detector.sh $(BUILD)

# The programs' own --help as pages: fsnet(1), one for each of its commands, fsnetd(8).
.PHONY: man
man: all
	@tests/install_deps.sh help2man
	@deploy/man.sh $(BUILD)

# The service beside nginx; JOBS=, SECONDS_EACH=, ROUNDS=, CLIENTS=, MEGABYTES= choose for how long.
bench-http: all $(BUILD)/idle_clients
	@tests/install_deps.sh wrk nginx-light
	@tests/bench/http.sh $(BUILD)

PREFIX ?= /usr/local
# With the man pages, where `make man` has made them.
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib $(DESTDIR)$(PREFIX)/include
	install -m 755 $(BUILD)/fsnet $(BUILD)/fsnetd $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(BUILD)/libfsnet.a $(DESTDIR)$(PREFIX)/lib
	install -m 644 engine/include/fsnet.h $(DESTDIR)$(PREFIX)/include
	install -D -m 644 deploy/completion/fsnet.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/fsnet
	ln -sf fsnet $(DESTDIR)$(PREFIX)/share/bash-completion/completions/fsnetd
	install -D -m 644 deploy/completion/_fsnet $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_fsnet
	install -D -m 644 deploy/completion/fsnet.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/fsnet.fish
	ln -sf fsnet.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/fsnetd.fish
	for page in $(wildcard $(BUILD)/man/*.[18]); do \
		install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man$${page##*.} $$page; done

OWN_SRC = $(shell git ls-files '*.c' '*.h')
format-check:
	clang-format --dry-run --Werror $(OWN_SRC)
tidy: $(BUILD)/gen/onnx.pb-c.h
	clang-tidy --quiet $(ENGINE_SRC) $(CLI_SRC) $(SERVER_SRC) -- \
		$(filter-out -MMD -MP,$(ALL_CFLAGS)) -Iserver

clean:
	rm -rf build build-asan build-tsan build-fuzz
-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
