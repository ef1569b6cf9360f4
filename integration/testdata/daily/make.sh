cat > Makefile <<'END'
CFLAGS = -O0
app: main.o part.o
	$(CC) -o $@ $^
main.o part.o: part.h
END
echo '#define ANSWER 41' > part.h
printf '#include "part.h"\nint part(void) { return ANSWER; }\n' > part.c
printf '#include <stdio.h>\nint part(void);\nint main(void) { printf("%%d\\n", part()); return 0; }\n' > main.c
make -s -j2
test "$(./app)" = 41
make -q || fail "make would do it again"
echo '#define ANSWER 42' > part.h
if make -q; then fail "make does not see the change"; fi
make -s -j2
test "$(./app)" = 42
make -q || fail "make would do it again"
versions 1 main.c part.c Makefile
versions 2 part.h

# A Go project: cloned, built, tested and run where it is.
git init -q $src/p
cat > $src/p/go.mod <<'END'
module example.org/p

go 1.24
END
mkdir $src/p/sum
printf 'package sum\n\nfunc Of(a, b int) int { return a + b }\n' > $src/p/sum/sum.go
printf 'package sum\n\nimport (\n\t"os"\n\t"testing"\n)\n\nfunc TestOf(t *testing.T) {\n\tif Of(1, 2) != 3 {\n\t\tt.Error("wrong")\n\t}\n\tif err := os.WriteFile("written", []byte("x"), 0o600); err != nil {\n\t\tt.Error(err)\n\t}\n}\n' > $src/p/sum/sum_test.go
printf 'package main\n\nimport "example.org/p/sum"\n\nfunc main() { println(sum.Of(40, 2)) }\n' > $src/p/main.go
git -C $src/p add . && git -C $src/p commit -qm first
git clone -q --no-local $src/p project
cd project
export GOFLAGS=-mod=mod GOTOOLCHAIN=local
go vet ./...
go test ./... > /dev/null
go build -o tool .
test "$(./tool 2>&1)" = 42
gofmt -l . | { ! grep .; }
test "$(git status --porcelain | tr '\n' ' ')" = "?? sum/written ?? tool "
cd ..
versions 1 project/tool project/main.go
