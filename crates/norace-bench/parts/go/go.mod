module norace-bench-parts

go 1.25
