Rscript --vanilla - <<'END'
d <- data.frame(station = c("berlin", "köln"), t = c(12.5, 13.25))
write.csv(d, "t.csv", row.names = FALSE)
stopifnot(identical(read.csv("t.csv"), d))
saveRDS(d, "t.rds"); stopifnot(identical(readRDS("t.rds"), d))
x <- rnorm(5000); y <- letters
save(x, y, file = "t.RData"); rm(x); load("t.RData"); stopifnot(length(x) == 5000)
dump("y", "y.R"); rm(y); source("y.R"); stopifnot(identical(y, letters))
cat("one\n", file = "log"); for (i in 1:3) cat(i, "\n", file = "log", append = TRUE)
stopifnot(length(readLines("log")) == 4)

f <- file("bytes", "w+b"); writeBin(as.raw(0:255), f); seek(f, 100, rw = "write")
writeBin(as.raw(7), f); seek(f, 100, rw = "read"); stopifnot(readBin(f, "raw", 1) == as.raw(7)); close(f)
stopifnot(file.size("bytes") == 256)
z <- gzfile("t.gz", "w"); writeLines(y, z); close(z); stopifnot(identical(readLines("t.gz"), y))

dir.create("a/b", recursive = TRUE)
stopifnot(file.copy("t.csv", "a/b", copy.date = TRUE), file.mtime("a/b/t.csv") == file.mtime("t.csv"))
stopifnot(file.rename("a/b/t.csv", "a/b/u.csv"), file.symlink("u.csv", "a/b/link"), Sys.readlink("a/b/link") == "u.csv")
stopifnot(file.exists("a/b/u.csv"), !file.exists("a/b/t.csv"), !file.create("missing/x", showWarnings = FALSE))
Sys.chmod("log", "600"); stopifnot(file.mode("log") == as.octmode("600"))
Sys.setFileTime("log", as.POSIXct("2026-01-02 03:04:05", tz = "UTC"))
stopifnot(file.mtime("log") == as.POSIXct("2026-01-02 03:04:05", tz = "UTC"))
stopifnot(setequal(list.files(recursive = TRUE),
	c("t.csv", "t.rds", "t.RData", "y.R", "log", "bytes", "t.gz", "a/b/u.csv", "a/b/link")))
tar("packed.tar", "a", tar = "internal"); untar("packed.tar", exdir = "u", tar = "internal")
stopifnot(identical(unname(tools::md5sum("u/a/b/u.csv")), unname(tools::md5sum("t.csv"))))
stopifnot(unlink("u", recursive = TRUE) == 0, !dir.exists("u"))

svg <- "p.pdf"; pdf(svg); plot(1:10); invisible(dev.off()); stopifnot(file.size(svg) > 1000)
END
versions 1 t.csv t.rds t.RData y.R bytes t.gz p.pdf a/b/u.csv packed.tar
versions 4 log
