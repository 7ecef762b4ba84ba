# assay: one Makefile, not recursive. Objects and programs land in build/<config>/; build/assay runs from the tree.
#   make V=1 ...      shows the commands        make test T=unit/base      runs the tests whose path contains T
#   make MPI=1        also builds the trainer for several processes (tools/deps.sh --with-mpi)
#   CONFIG=release (default) | asan | debug     WERROR=1                  warnings are errors (CI)
#   MARCH=native (default) | x86-64-v3          the processors that the trainer's f32 kernels are for; bf16 is chosen at run time
#   make fuzz F="value lint" SECONDS=600        these fuzz targets, ten minutes each (default: all, a minute each)

CONFIG  ?= release
B       := build/$(CONFIG)
PREFIX  ?= /usr/local
DESTDIR ?=
MARCH   ?= native
JOBS    ?= $(shell nproc 2>/dev/null || echo 2)
Q       := $(if $(V),,@)
,       := ,

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# ---- compiler ------------------------------------------------------------------------------------------
CC      := gcc
WARN    := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
           -Wformat=2 -Wundef -Wno-psabi $(if $(WERROR),-Werror)
HARDEN  := -fstack-protector-strong -fPIE
SAN.asan  := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
SAN.fuzz  := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
OPT.fuzz    := -O1
OPT.release := -O2 -D_FORTIFY_SOURCE=3
OPT.debug   := -O0
OPT.asan    := -O1
KERNEL.release := -O3 -march=$(MARCH) -ffp-contract=fast -fno-math-errno -fno-trapping-math
ifeq ($(CONFIG),fuzz)
CC   := clang
WARN := -w
endif
CFLAGS  = -std=gnu17 -g $(OPT.$(CONFIG)) $(WARN) $(HARDEN) $(SAN.$(CONFIG)) -D_GNU_SOURCE -Iinclude -I.
LDFLAGS = -pie -Wl,-z,relro,-z,now $(SAN.$(CONFIG))

PYTHON_CFLAGS  := $(shell pkg-config --cflags python-3.11-embed 2>/dev/null)
PYTHON_LIBS    := $(shell pkg-config --libs python-3.11-embed 2>/dev/null)
# The keeper takes the interpreter as an archive where there is one. Debian builds that one with profiles, as it does its own python3, and
# the shared library without: programs run a fifth faster. It cannot be moved in memory (no PIE); a guest, being a fork of the keeper, knows where everything lies in any case.
# Code and data begin with large pages (sandbox/layout.c); and a library taken in is five mappings less for each fork to copy and each guest's end to take down.
PYTHON_LIBDIR  := $(shell pkg-config --variable=libdir python-3.11-embed 2>/dev/null)
PYTHON_ARCHIVE := $(wildcard $(PYTHON_LIBDIR)/libpython3.11.a)
archived        = $(if $(wildcard $(PYTHON_LIBDIR)/lib$(1).a),-l:lib$(1).a,-l$(1))
PYTHON_WITHIN  := -no-pie -Wl,-z,max-page-size=0x200000 -Wl,-z,noseparate-code -Wl,--whole-archive $(PYTHON_ARCHIVE) -Wl,--no-whole-archive \
                  -Wl,--export-dynamic-symbol='Py*' -Wl,--export-dynamic-symbol='_Py*' $(call archived,expat) $(call archived,z) -lm
KEEPER_LIBS    := $(if $(PYTHON_ARCHIVE),$(call archived,seccomp) $(PYTHON_WITHIN),-lseccomp $(PYTHON_LIBS))
# The archive: inside the shared library every call from one of its files to another takes the long way.
TREE_SITTER    := -l:libtree-sitter.a
GRAMMAR_CFLAGS := -O2 -w -fPIE -DTREE_SITTER_REUSE_ALLOCATOR
BLAS_CFLAGS    := $(shell pkg-config --cflags openblas 2>/dev/null)
BLAS_LIBS      := -lopenblas
PYTHON_SOURCES := $(wildcard sandbox/guest*.c) $(wildcard sandbox/value*.c) sandbox/keeper.c sandbox/interpreter.c sandbox/layout.c
CLIENT_CFLAGS  := -fPIC
AVX2_CFLAGS    := -march=x86-64-v3
MPI_CFLAGS     := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags ompi-c 2>/dev/null))

# What was compiled with other flags is compiled anew: every object depends on this file, which changes when the flags do (warnings change no object).
$(B)/flags: export FLAGS = $(CC) $(filter-out $(WARN),$(CFLAGS)) $(LDFLAGS) $(PYTHON_CFLAGS) $(BLAS_CFLAGS) $(MPI_CFLAGS) $(CLIENT_CFLAGS) \
                           $(GRAMMAR_CFLAGS) $(KERNEL.$(CONFIG)) $(AVX2_CFLAGS) $(KEEPER_LIBS)
$(B)/flags: FORCE
	@mkdir -p $(@D) && if ! echo "$$FLAGS" | cmp -s - $@; then echo "$$FLAGS" > $@; fi

# ---- what is built from what: every .c of a room goes into its archive, main_*.c become programs ----------
GRAMMARS     := python
SANDBOX_SRC  := $(filter-out sandbox/main_%.c,$(wildcard sandbox/*.c))
PROBLEM_SRC  := $(wildcard verifier/problem/*.c)
VERIFIER_SRC := $(filter-out verifier/main_%.c,$(wildcard verifier/*.c))
CLIENT_SRC   := $(wildcard trainer/client/*.c)
TRAINER_SRC  := $(filter-out trainer/main_%.c trainer/mpi/% trainer/client/%,$(wildcard trainer/*.c trainer/*/*.c))
PROGRAMS     := $(B)/assay $(patsubst sandbox/main_%.c,$(B)/assay-%,$(wildcard sandbox/main_*.c)) \
                $(patsubst verifier/main_%.c,$(B)/assay-%,$(wildcard verifier/main_*.c)) \
                $(patsubst trainer/main_%.c,$(B)/assay-%,$(wildcard trainer/main_*.c)) $(if $(MPI),$(B)/assay-trainer-mpi)
obj = $(patsubst %.c,$(B)/%.o,$(1))

$(B)/libsandbox.a:  $(call obj,$(SANDBOX_SRC))
$(B)/libproblem.a:  $(call obj,$(PROBLEM_SRC))
$(B)/libverifier.a: $(call obj,$(VERIFIER_SRC))
$(B)/libclient.a:   $(call obj,$(CLIENT_SRC))
$(B)/libtrainer.a:  $(call obj,$(TRAINER_SRC))
$(B)/libgrammars.a: $(foreach g,$(GRAMMARS),$(B)/grammars/$(g).o)

SANDBOX_LIBS  := -lseccomp $(PYTHON_LIBS)
VERIFIER_LIBS := -luv -ljansson -lyaml -lmicrohttpd -lz -lm -lpthread
CLIENT_LIBS   := -lcurl -ljansson -lm -lpthread
TRAINER_LIBS  := $(BLAS_LIBS) -lyaml -lpcre2-8 -lutf8proc -lz $(CLIENT_LIBS)
SANDBOX_A  := $(B)/libsandbox.a
TRAINER_A  := $(B)/libtrainer.a $(B)/libclient.a
VERIFIER_A := $(B)/libverifier.a $(B)/libproblem.a $(B)/libsandbox.a

$(B)/assay:          $(B)/tools/main_assay.o
$(B)/assay-keeper:   $(B)/sandbox/main_keeper.o $(SANDBOX_A)
$(B)/assay-keeper:   LIBS = $(KEEPER_LIBS)
$(B)/assay-judge:    $(B)/verifier/main_judge.o $(VERIFIER_A)
$(B)/assay-judge:    LIBS = -ljansson -lz -lm $(SANDBOX_LIBS)
$(B)/assay-lint:     $(B)/verifier/main_lint.o $(VERIFIER_A) $(B)/libgrammars.a
$(B)/assay-lint:     LIBS = $(TREE_SITTER) -ljansson -lseccomp
$(B)/assay-verifier: $(B)/verifier/main_verifier.o $(VERIFIER_A)
$(B)/assay-verifier: LIBS = $(VERIFIER_LIBS) -lseccomp
$(B)/assay-trainer:  $(B)/trainer/main_trainer.o $(TRAINER_A)
$(B)/assay-trainer:  LIBS = $(TRAINER_LIBS)
# The same trainer for several processes: world_mpi.o defines what the archive's world.o would.
$(B)/assay-trainer-mpi: $(B)/trainer/main_trainer.o $(B)/trainer/mpi/world_mpi.o $(TRAINER_A)
$(B)/assay-trainer-mpi: LIBS = $(TRAINER_LIBS) $(shell pkg-config --libs ompi-c 2>/dev/null)
$(B)/trainer/mpi/world_mpi.o: ROOM_CFLAGS = $(MPI_CFLAGS)

# The judge's Python is part of its objects (verifier/judge_embed.h).
$(call obj,$(shell grep -l '^EMBED_TEXT' verifier/*.c)): $(wildcard verifier/*.py)
PY_OBJECTS := $(call obj,$(PYTHON_SOURCES) $(wildcard verifier/judge*.c) verifier/main_judge.c sandbox/main_keeper.c)
$(PY_OBJECTS): ROOM_CFLAGS = $(PYTHON_CFLAGS)
$(call obj,$(TRAINER_SRC)): ROOM_CFLAGS = $(BLAS_CFLAGS) $(KERNEL.$(CONFIG))
$(call obj,$(CLIENT_SRC)): ROOM_CFLAGS = $(CLIENT_CFLAGS)

# Kernels and model once more for processors with AVX2 alone, whose kernels have other tiles: what the tests named -avx2 are linked with.
AVX2_OBJ := $(patsubst %.c,$(B)/avx2/%.o,$(wildcard trainer/kernels/*.c trainer/model/*.c))
$(B)/avx2/libmodel.a: $(AVX2_OBJ)
$(AVX2_OBJ): ROOM_CFLAGS = $(BLAS_CFLAGS) $(KERNEL.$(CONFIG)) $(AVX2_CFLAGS)
$(B)/avx2/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	@echo "  CC   $< (AVX2)"
	$(Q)$(CC) $(CFLAGS) $(ROOM_CFLAGS) -MMD -MP -c -o $@ $<

all: $(PROGRAMS) $(B)/libassay.a ## build everything (default)
	$(Q)ln -sfn $(CONFIG)/assay build/assay && ln -sfn $(CONFIG)/libassay.a build/libassay.a

# What other programs link (include/assay.h): one object that shows the names of that header and no other.
$(B)/libassay.a: $(B)/libclient.a
	@echo "  AR   $@"
	$(Q)ld -r -o $(B)/trainer/client/libassay.o --whole-archive $< && objcopy -w --keep-global-symbol='assay_*' $(B)/trainer/client/libassay.o && \
	rm -f $@ && ar rcs $@ $(B)/trainer/client/libassay.o

$(filter-out $(if $(filter asan,$(CONFIG)),$(B)/assay-keeper),$(sort $(PROGRAMS) $(B)/assay-trainer-mpi)):
	@echo "  LD   $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)

$(B)/%.a:
	@echo "  AR   $@"
	$(Q)rm -f $@ && ar rcs $@ $(filter %.o,$^)

# The linter's patterns are part of the object that runs them.
$(B)/verifier/lint_queries.o: verifier/queries/python.scm

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CFLAGS) $(ROOM_CFLAGS) -MMD -MP -c -o $@ $<

# The guest inside the keeper is never sanitised (shadow memory and seccomp do not mix): asan runs release's keeper.
ifeq ($(CONFIG),asan)
$(B)/assay-keeper: FORCE
	$(Q)$(MAKE) --no-print-directory CONFIG=release build/release/assay-keeper && cp build/release/assay-keeper $@
endif

# ---- grammars: fetched by lockfile with scripts off, compiled here ------------------------------------------
build/grammars/.fetched: tools/grammars/package.json tools/grammars/package-lock.json
	@echo "  NPM  tree-sitter grammars"
	@mkdir -p build/grammars && cp $^ build/grammars/
	$(Q)cd build/grammars && npm ci --ignore-scripts --legacy-peer-deps --no-audit --no-fund --silent && touch .fetched

$(B)/grammars/%.o: build/grammars/.fetched $(B)/flags
	@mkdir -p $(@D)
	@echo "  CC   tree-sitter-$*"
	$(Q)d=build/grammars/node_modules/tree-sitter-$*/src; cc="$(CC) $(GRAMMAR_CFLAGS) -I$$d -c"; \
	$$cc -o $@.parser.o $$d/parser.c; if [ -f $$d/scanner.c ]; then $$cc -o $@.scanner.o $$d/scanner.c; \
	    ld -r -o $@ $@.parser.o $@.scanner.o; else mv $@.parser.o $@; fi

# ---- tests: tests/unit/<room>_<subject>.c is one cmocka binary (TAP); tests/e2e/*.sh print TAP too ---------
UNIT_SRC   := $(wildcard tests/unit/*.c tests/grad/*.c tests/golden/*.c tests/sim/*.c)
UNIT_BIN   := $(patsubst %.c,$(B)/%,$(UNIT_SRC))
AVX2_BIN   := $(if $(shell grep -m1 -o avx2 /proc/cpuinfo),$(patsubst %.c,$(B)/%-avx2,tests/grad/trainer_kernels.c tests/grad/trainer_bf16.c))
BENCH_SRC  := $(wildcard tests/bench/bench_*.c)
BENCH_BIN  := $(patsubst %.c,$(B)/%,$(BENCH_SRC))
E2E        := $(sort $(wildcard tests/e2e/*.sh tests/escape/*.sh))
TEST_LIBS_base     :=
TEST_LIBS_sandbox  := $(SANDBOX_A)
TEST_LIBS_jail     := $(SANDBOX_A)
TEST_LIBS_fork     := $(SANDBOX_A)
TEST_LIBS_verifier := $(VERIFIER_A)
TEST_LIBS_client   := $(B)/libclient.a
TEST_LIBS_trainer  := $(TRAINER_A)
TEST_LIBS_gemm     := $(TRAINER_A)
TEST_LIBS_language := $(VERIFIER_A) $(B)/libgrammars.a
TEST_LD_base       := -ljansson -lyaml -lz -lm
TEST_LD_sandbox    := $(SANDBOX_LIBS)
TEST_LD_jail       := $(SANDBOX_LIBS)
TEST_LD_fork       := $(KEEPER_LIBS)
TEST_LD_verifier   := $(VERIFIER_LIBS) $(SANDBOX_LIBS)
TEST_LD_client     := $(CLIENT_LIBS) -lz
TEST_LD_trainer    := $(TRAINER_LIBS)
TEST_LD_gemm       := $(TRAINER_LIBS) $(if $(wildcard /usr/include/oneapi/dnnl/dnnl.h),-ldnnl)
TEST_LD_language   := $(TREE_SITTER) -ljansson -lz -lm
room_of = $(firstword $(subst _, ,$(notdir $(1))))

$(call obj,$(wildcard tests/*/sandbox_*.c tests/*/verifier_*.c tests/bench/bench_jail.c tests/bench/bench_fork.c)): ROOM_CFLAGS = $(PYTHON_CFLAGS)
$(call obj,$(wildcard tests/*/trainer_*.c) tests/bench/bench_gemm.c): ROOM_CFLAGS = $(BLAS_CFLAGS)
$(call obj,$(UNIT_SRC) $(BENCH_SRC)): WARN += -Wno-conversion -Wno-missing-prototypes

.SECONDEXPANSION:
$(UNIT_BIN): $(B)/%: $(B)/%.o $$(TEST_LIBS_$$(call room_of,$$*))
	@echo "  LD   $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(TEST_LD_$(call room_of,$*)) -lcmocka -lm

$(AVX2_BIN): $(B)/%-avx2: $(B)/%.o $(B)/avx2/libmodel.a $(B)/libclient.a
	@echo "  LD   $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(TRAINER_LIBS) -lcmocka -lm

# tests/bench/bench_<room>.c is one program that prints CSV.
$(BENCH_BIN): $(B)/tests/bench/bench_%: $(B)/tests/bench/bench_%.o $$(TEST_LIBS_$$*)
	@echo "  LD   $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(TEST_LD_$*)

# ---- fuzzing: tests/fuzz/fuzz_<subject>.c is a target, tests/fuzz/corpus/<subject>/ its seeds, tests/fuzz/<subject>.dict its words ------
# A target is linked with every archive and takes from them what it needs. With replay.c in libFuzzer's place it is a test: every seed still holds.
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BIN := $(patsubst %.c,$(B)/%,$(FUZZ_SRC))
FUZZ_A   := $(VERIFIER_A) $(B)/libgrammars.a $(TRAINER_A)
FUZZ_LD  := $(if $(filter fuzz,$(CONFIG)),-fsanitize=fuzzer) -Wl,--as-needed $(TREE_SITTER) $(SANDBOX_LIBS) $(VERIFIER_LIBS) $(TRAINER_LIBS)
F        ?= $(sort $(patsubst tests/fuzz/fuzz_%.c,%,$(FUZZ_SRC)))
SECONDS  ?= 60

$(call obj,$(FUZZ_SRC)): ROOM_CFLAGS = $(PYTHON_CFLAGS) $(BLAS_CFLAGS)
$(call obj,$(FUZZ_SRC)): WARN += -Wno-conversion -Wno-missing-prototypes
$(FUZZ_BIN): %: %.o $(if $(filter fuzz,$(CONFIG)),,$(B)/tests/fuzz/replay.o) $(FUZZ_A)
	@echo "  LD   $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(FUZZ_LD)

fuzz: ## run the fuzz targets under clang's libFuzzer, ASan and UBSan (F="value lint" for some, SECONDS=600 for long)
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) CONFIG=fuzz $(patsubst %,build/fuzz/tests/fuzz/fuzz_%,$(F))
	$(Q)sh tools/fuzz.sh $(SECONDS) $(F)

# Programs that the scripts of tests/e2e/ use beside assay: refuse (a poorer host).
E2E_BIN := $(patsubst %.c,$(B)/%,$(wildcard tests/e2e/*.c))
$(E2E_BIN): %: %.o
	@echo "  LD   $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lseccomp

$(B)/language-train: $(B)/tools/language_train.o $(B)/verifier/language_tokens.o
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lz -lm

$(B)/testsum: $(B)/tools/testsum.o
	$(Q)$(CC) $(LDFLAGS) -o $@ $^

# The test of several processes wants its program wherever it can be built.
test-build: all $(UNIT_BIN) $(AVX2_BIN) $(FUZZ_BIN) $(E2E_BIN) $(B)/testsum $(if $(shell pkg-config --exists ompi-c && echo yes),$(B)/assay-trainer-mpi)

test: setup ## set up, build, and run every test (T=substring for some)
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) CONFIG=$(CONFIG) test-build
	$(Q)ASSAY_BUILD=$(B) $(B)/testsum $(if $(T),--only $(T)) $(UNIT_BIN) $(AVX2_BIN) $(FUZZ_BIN) $(E2E)

check: all $(UNIT_BIN) $(FUZZ_BIN) $(B)/testsum layers ## quick: unit tests and the layer check, no set-up
	$(Q)ASSAY_BUILD=$(B) $(B)/testsum $(UNIT_BIN) $(FUZZ_BIN)

sim: $(B)/tests/sim/verifier_slots ## simulate 100,000 jobs on slots that misbehave by a seed (SEED=n repeats a run, SIM_JOBS=n)
	$(Q)SEED=$(or $(SEED),$$(date +%s)) SIM_JOBS=$(or $(SIM_JOBS),100000) $<

asan: ## the whole suite under AddressSanitizer and UBSan
	$(Q)ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:allocator_may_return_null=1 $(MAKE) --no-print-directory CONFIG=asan test

# ---- the main job -------------------------------------------------------------------------------------
demo: setup ## set up, build, and train a model on list programs from nothing (about 5 minutes)
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all
	$(Q)build/assay train trainer/recipes/demo.yaml $(if $(SEED),--out runs/demo-$(SEED) --set seed=$(SEED),--out runs/demo)

setup: ## install what the build needs (Debian/Ubuntu; needs root only when something is missing)
	$(Q)sh tools/deps.sh

# ---- housekeeping ------------------------------------------------------------------------------------------
SOURCES := $(wildcard include/*.h include/base/*.h sandbox/*.[ch] verifier/*.[ch] verifier/problem/*.[ch] \
             trainer/*.[ch] trainer/*/*.[ch] tools/*.c tools/example/*.c tests/*/*.[ch])

layers: all ## check that dependencies between rooms are acyclic and point down
	$(Q)sh tools/layers.sh $(B)

format: ## rewrite all C sources with clang-format
	$(Q)clang-format -i $(SOURCES)

lint: layers ## clang-format, clang-tidy, cppcheck, layers, file and function sizes
	$(Q)sh tools/lint.sh $(SOURCES)

language: $(B)/language-train ## learn the linter's languages anew from SNIPPETS=folder (see tools/language_train.c)
	$(Q)$(B)/language-train $(SNIPPETS) > verifier/language_table.new && mv verifier/language_table.new verifier/language_table.inc

bench: all $(BENCH_BIN) ## measure against the baselines (see tests/bench/README.md)
	$(Q)sh tests/bench/bench.sh

install: all ## install below $(DESTDIR)$(PREFIX)
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin libexec/assay share/assay include lib/pkgconfig)
	install $(filter $(B)/assay-%,$(PROGRAMS)) $(DESTDIR)$(PREFIX)/libexec/assay/
	install $(B)/assay $(DESTDIR)$(PREFIX)/bin/assay
	cp -r problems trainer/recipes $(DESTDIR)$(PREFIX)/share/assay/
	install -m 644 include/assay.h $(DESTDIR)$(PREFIX)/include/
	install -m 644 $(B)/libassay.a $(DESTDIR)$(PREFIX)/lib/
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(shell sed -n 's/.*ASSAY_VERSION "\(.*\)"/\1/p' include/version.h)|' tools/assay.pc.in \
	    > $(DESTDIR)$(PREFIX)/lib/pkgconfig/assay.pc

clean: ## remove what was built (runs/ stays)
	rm -rf build/release build/asan build/debug build/fuzz build/assay

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo && sed -n '2,/^$$/s/^#   /  /p' $(firstword $(MAKEFILE_LIST))

FORCE:
.PHONY: all test test-build check sim asan fuzz demo setup layers format lint language bench install clean help FORCE
-include $(shell find $(B) -name '*.d' 2>/dev/null)
