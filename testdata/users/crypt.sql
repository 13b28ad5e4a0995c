CREATE TABLE accounts (login TEXT PRIMARY KEY, crypt TEXT, locked INTEGER NOT NULL DEFAULT 0);
INSERT INTO accounts VALUES ('root', '$6$KreTAiMyD.wzZEc8$Oce6KHtLsDILZqGfWJ94fex9FKfOqz8vlfqADBLvVHI63Cok9WHczmnNsjbZTpJt/U3GinLrmZnMD0k7kdnJP0', 0), ('gone', '$6$KreTAiMyD.wzZEc8$Oce6KHtLsDILZqGfWJ94fex9FKfOqz8vlfqADBLvVHI63Cok9WHczmnNsjbZTpJt/U3GinLrmZnMD0k7kdnJP0', 1);
