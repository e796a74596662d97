#include "diagnose/signatures/signature.h"

namespace rankscope::diagnose {
namespace {

using enum Role;

// What Windows calls the failures of the other families, by numbers that are the same in every language, and what
// shells and the C library say in other languages than English.
constexpr Signature kTable[] = {
    {"host_oom_killed", "paging file", kCause, 88,
     R"(\[WinError 1455\]|[Pp]aging file is too small|页面文件太小|(?:exit|status|code|exception|error)\b.{0,30}(?:\b3221225495\b|-1073741801\b|\b0x[Cc]0000017\b))"},
    {"disk_full", "enospc", kCause, 80, R"(\[WinError (?:39|112)\]|not enough space on the disk)"},
    {"permission_denied", "operation", kCause, 84, R"(\[WinError (?:5|1314)\])"},
    {"driver_or_library_mismatch", "library", kCause, 86,
     R"(\[WinError (?:126|127|182|193|1114)\]|Error loading "[^"]+\.dll"|(?:exit|status|code|exception|error)\b.{0,30}(?:\b3221225794\b|-1073741502\b|\b0x[Cc]0000142\b|\b3221225781\b|-1073741515\b|\b0x[Cc]0000135\b))"},
    {"rendezvous_failed", "port in use", kCause, 86, R"(\[WinError 10048\]|OSError: \[Errno 98\])"},
    {"segfault_sigsegv", "SIGSEGV", kOutcome, 62,
     R"((?:exit|status|code|exception)\b.{0,30}(?:\b3221225477\b|-1073741819\b|\b0x[Cc]0000005\b|\b3221225725\b|-1073741571\b|\b0x[Cc]00000[Ff][Dd]\b)|Windows fatal exception: (?:access violation|stack overflow))"},
    {"segfault_sigsegv", "SIGABRT", kSymptom, 46,
     R"((?:exit|status|code)\b.{0,30}(?:\b3221226505\b|-1073740791\b|\b0x[Cc]0000409\b))"},
    {"segfault_sigsegv", "SIGILL", kCause, 70,
     R"((?:exit|status|code)\b.{0,30}(?:\b3221225501\b|-1073741795\b|\b0x[Cc]000001[Dd]\b))"},
    {"sigterm_preempted", "interrupt", kSymptom, 46,
     R"((?:exit|status|code)\b.{0,30}(?:\b3221225786\b|-1073741510\b|\b0x[Cc]000013[Aa]\b))"},

    {"host_oom_killed", "sigkill_unexplained", kOutcome, 60,
     R"((?:已杀死|已砍掉|強制終了)(?:$| ?[(（]|  +\S)|(?:(?:line|Zeile|ligne|riga|linha|línea|строка|行) \d+: +\d+ +|^)(?:Getötet|Tué|Processus arrêté|Убито|Ucciso)(?:$|  +\S)|Terminado \(killed\))"},
    {"sigterm_preempted", "terminated", kOutcome, 40,
     R"((?:^|\d +)已终止(?:$| ?[(（]|  +\S)|(?:(?:line|Zeile|ligne|riga|linha|línea|строка|行) \d+: +\d+ +|^)Beendet(?:$|  +\S))"},
    {"segfault_sigsegv", "SIGSEGV", kCause, 78,
     R"((?:段错误|段錯誤|程式記憶體區段錯誤|Speicherzugriffsfehler|Erreur de segmentation|Violación de segmento|Falha de segmentação|Errore di segmentazione|Ошибка сегментирования|セグメンテーション違反|세그멘테이션 오류)(?:$| ?[(（]|  +\S))"},
    {"segfault_sigsegv", "SIGABRT", kSymptom, 46,
     R"((?:^|\d +)已放弃(?:$| ?[(（]|  +\S)|中止 \(コアダンプ\)|Abgebrochen \(Speicherabzug|Аварийный останов)"},
    {"segfault_sigsegv", "SIGBUS", kCause, 64,
     R"((?:总线错误|Erreur de bus|Bus-Zugriffsfehler|バスエラー)(?:$| ?[(（]|  +\S))"},
    {"host_oom_killed", "allocation", kCause, 80,
     R"(无法分配内存|無法配置記憶體|Nicht genügend Hauptspeicher verfügbar)"},
    {"disk_full", "enospc", kCause, 78,
     R"(设备上没有空间|裝置上已無多餘空間|デバイスに空き領域がありません|Auf dem Gerät ist kein Speicherplatz mehr|Aucun espace disponible sur le périphérique|На устройстве не осталось свободного места)"},
    {"permission_denied", "file", kCause, 84,
     R"((?:权限不够|拒绝访问|許可されていない操作|許可がありません|Keine Berechtigung|Permission non accordée|Permiso denegado|Отказано в доступе)(?:$| ?[(（]|  +\S))"},
    {"too_many_open_files", "descriptors", kCause, 88,
     R"(打开的文件过多|開啟太多檔案|開いているファイルが多すぎます|Zu viele offene Dateien)"},
    {"config_error", "missing file", kCause, 70,
     R"(没有那个文件或目录|Datei oder Verzeichnis nicht gefunden|Нет такого файла или каталога)"},
    {"missing_dependency_import_error", "command", kCause, 84,
     R"(: (?:未找到命令|Kommando nicht gefunden|commande introuvable|команда не найдена)|不是内部或外部命令)"},
    {"rendezvous_failed", "port in use", kCause, 86,
     R"(地址已在使用|Die Adresse wird bereits verwendet|Adresse déjà utilisée)"},
};

}  // namespace

std::span<const Signature> ForeignSignatures() { return kTable; }

}  // namespace rankscope::diagnose
