module norace-bench-kit

go 1.25
